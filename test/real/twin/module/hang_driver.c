// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that does not let go: unbinding it hangs, out of reach of signals, until /sys/kernel/debug/gpuvm-hang/release is
 * written to. It takes no device by itself, only one whose driver_override is "gpuvm-hang", on the platform and the PCI bus.
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>

#define NAME "gpuvm-hang"

struct held {
	struct list_head list;
	struct device *device;
	bool hanging;
};

static LIST_HEAD(all);
static DEFINE_MUTEX(lock);
static DECLARE_WAIT_QUEUE_HEAD(wait);
/* Counts releases: whoever hangs waits for the next. */
static unsigned int releases;
static bool hang = true;
module_param(hang, bool, 0600);
MODULE_PARM_DESC(hang, "whether unbinding hangs; default: yes");

static int take(struct device *device)
{
	struct held *held = kzalloc(sizeof(*held), GFP_KERNEL);

	if (!held)
		return -ENOMEM;
	held->device = device;
	dev_set_drvdata(device, held);
	mutex_lock(&lock);
	list_add_tail(&held->list, &all);
	mutex_unlock(&lock);
	return 0;
}

static void let_go(struct device *device)
{
	struct held *held = dev_get_drvdata(device);
	unsigned int before;

	mutex_lock(&lock);
	before = releases;
	held->hanging = hang;
	mutex_unlock(&lock);
	if (held->hanging)
		wait_event(wait, READ_ONCE(releases) != before);
	mutex_lock(&lock);
	list_del(&held->list);
	mutex_unlock(&lock);
	kfree(held);
}

static int hang_platform_probe(struct platform_device *device)
{
	return take(&device->dev);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static void hang_platform_remove(struct platform_device *device)
{
	let_go(&device->dev);
}
#else
static int hang_platform_remove(struct platform_device *device)
{
	let_go(&device->dev);
	return 0;
}
#endif

static struct platform_driver platform_hang = {
	.probe = hang_platform_probe,
	.remove = hang_platform_remove,
	.driver = { .name = NAME },
};

static int hang_pci_probe(struct pci_dev *device, const struct pci_device_id *id)
{
	return take(&device->dev);
}

static void hang_pci_remove(struct pci_dev *device)
{
	let_go(&device->dev);
}

/* Without a table it is asked for overridden devices alone. */
static struct pci_driver pci_hang = {
	.name = NAME,
	.probe = hang_pci_probe,
	.remove = hang_pci_remove,
};

/* "BUS NAME ready" or "BUS NAME hanging", a line for each device. */
static int status_show(struct seq_file *file, void *unused)
{
	struct held *held;

	mutex_lock(&lock);
	list_for_each_entry(held, &all, list)
		seq_printf(file, "%s %s %s\n", held->device->bus->name, dev_name(held->device),
			   held->hanging ? "hanging" : "ready");
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

/* Any write lets those go on that hang now. */
static ssize_t release_write(struct file *file, const char __user *buffer, size_t length, loff_t *offset)
{
	mutex_lock(&lock);
	WRITE_ONCE(releases, releases + 1);
	mutex_unlock(&lock);
	wake_up_all(&wait);
	return length;
}

static const struct file_operations release_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = release_write,
	.llseek = noop_llseek,
};

static struct dentry *folder;

static int __init hang_init(void)
{
	int error = platform_driver_register(&platform_hang);

	if (error)
		return error;
	error = pci_register_driver(&pci_hang);
	if (error) {
		platform_driver_unregister(&platform_hang);
		return error;
	}
	folder = debugfs_create_dir(NAME, NULL);
	debugfs_create_file("status", 0400, folder, NULL, &status_fops);
	debugfs_create_file("release", 0200, folder, NULL, &release_fops);
	return 0;
}

/* The module goes only when it is told to, and lets go of what it has without hanging. */
static void __exit hang_exit(void)
{
	hang = false;
	pci_unregister_driver(&pci_hang);
	platform_driver_unregister(&platform_hang);
	debugfs_remove_recursive(folder);
}

module_init(hang_init);
module_exit(hang_exit);
MODULE_DESCRIPTION("a driver whose unbinding hangs, for tests");
MODULE_LICENSE("GPL");
