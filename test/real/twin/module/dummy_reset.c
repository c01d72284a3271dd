// SPDX-License-Identifier: GPL-2.0
/*
 * A reset for the devices that the reference VM's tree calls "nvidia,dummy": they have nothing to reset, and vfio-platform wants
 * one. Counted in /sys/kernel/debug/gpuvm-dummy-reset/resets, a line "COUNT NAME" for each device.
 */
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vfio_platform_private.h"

#define COMPATIBLE "nvidia,dummy"

struct counted {
	struct list_head list;
	char *name;
	unsigned int count;
};

static LIST_HEAD(all);
static DEFINE_MUTEX(lock);
/* What a reset answers: 0, or an errno to fail with. */
static int fail;
module_param(fail, int, 0600);
MODULE_PARM_DESC(fail, "the errno that resets fail with; default: 0, none");

static struct counted *counted_of(const char *name)
{
	struct counted *counted;

	list_for_each_entry(counted, &all, list)
		if (!strcmp(counted->name, name))
			return counted;
	counted = kzalloc(sizeof(*counted), GFP_KERNEL);
	if (!counted)
		return NULL;
	counted->name = kstrdup(name, GFP_KERNEL);
	if (!counted->name) {
		kfree(counted);
		return NULL;
	}
	list_add_tail(&counted->list, &all);
	return counted;
}

static int dummy_reset(struct vfio_platform_device *device)
{
	struct counted *counted;

	mutex_lock(&lock);
	counted = counted_of(device->name);
	if (counted)
		counted->count++;
	mutex_unlock(&lock);
	return counted ? -READ_ONCE(fail) : -ENOMEM;
}

static struct vfio_platform_reset_node node = {
	.owner = THIS_MODULE,
	.compat = COMPATIBLE,
	.of_reset = dummy_reset,
};

static int resets_show(struct seq_file *file, void *unused)
{
	struct counted *counted;

	mutex_lock(&lock);
	list_for_each_entry(counted, &all, list)
		seq_printf(file, "%u %s\n", counted->count, counted->name);
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(resets);

static struct dentry *folder;

static int __init dummy_reset_init(void)
{
	folder = debugfs_create_dir("gpuvm-dummy-reset", NULL);
	debugfs_create_file("resets", 0400, folder, NULL, &resets_fops);
	__vfio_platform_register_reset(&node);
	return 0;
}

static void __exit dummy_reset_exit(void)
{
	struct counted *counted, *next;

	vfio_platform_unregister_reset(COMPATIBLE, dummy_reset);
	debugfs_remove_recursive(folder);
	list_for_each_entry_safe(counted, next, &all, list) {
		kfree(counted->name);
		kfree(counted);
	}
}

module_init(dummy_reset_init);
module_exit(dummy_reset_exit);
/* vfio-platform asks for it by this name. */
MODULE_ALIAS("vfio-reset:" COMPATIBLE);
MODULE_DESCRIPTION("a vfio-platform reset for nvidia,dummy, for tests");
MODULE_LICENSE("GPL");
