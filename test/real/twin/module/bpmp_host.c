// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/bpmp-host: one transfer is a message of 48 bytes, by write(2) as the published proxy has it, or by an ioctl.
 *
 * Where the published proxy hands a request to Linux's BPMP driver, and that to a mailbox frame, here is a frame too: it is
 * used again and again, and keeps what others left in it. So the caller's room for the reply is filled from the frame, however
 * much of it the firmware wrote.
 */
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <soc/tegra/bpmp-abi.h>

#include "bpmp_host.h"

struct bpmp_message {
	u32 mrq;
	u32 reserved;
	struct {
		u64 data;
		u64 size;
	} tx;
	struct {
		u64 data;
		u64 size;
		s32 ret;
		u32 reserved;
	} rx;
};
static_assert(sizeof(struct bpmp_message) == 48);

#define BPMP_TRANSFER _IOWR('b', 1, struct bpmp_message)

struct opener {
	struct list_head list;
	pid_t pid;
	char name[TASK_COMM_LEN];
};

/* A lock of its own: an open comes with the lock of all misc devices, which registering takes. */
static DEFINE_MUTEX(openers_lock);
static LIST_HEAD(openers);
/* Under bpmp_settings.lock. */
static bool registered;

/* Whoever holds it has the firmware and its frame. */
static DEFINE_MUTEX(turn);
static u8 frame[BPMP_FRAME] __aligned(8);

static bool has(const struct bpmp_ids *ids, u32 id)
{
	u32 i;

	for (i = 0; i < ids->count; i++)
		if (ids->id[i] == id)
			return true;
	return false;
}

/* Shared roots, which a list can only let a VM switch on. */
static bool is_protected_root(u32 id)
{
	static const u16 roots[] = { 14, 91, 102, 103, 288, 292, 327 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(roots); i++)
		if (roots[i] == id)
			return true;
	return false;
}

static bool clock_allowed(const struct bpmp_ids *ids, u32 word)
{
	u32 command = word >> 24, id = word & 0xffffff;

	switch (command) {
	case CMD_CLK_SET_RATE:
	case CMD_CLK_SET_PARENT:
	case CMD_CLK_DISABLE:
		return has(ids, id) && !is_protected_root(id);
	case CMD_CLK_ENABLE:
	case CMD_CLK_ROUND_RATE:
		return has(ids, id);
	default:
		return true;
	}
}

/* As the published proxy decides: three lists, what only reads passes, and what is cut short does not. */
static bool is_allowed(const struct bpmp_allowed *allowed, u32 mrq, const u8 *tx, u64 size)
{
	const u32 *words = (const u32 *)tx;

	if (allowed->all || has(&allowed->mrqs, mrq))
		return true;
	switch (mrq) {
	case MRQ_PING:
	case MRQ_QUERY_TAG:
	case MRQ_THREADED_PING:
	case MRQ_QUERY_ABI:
	case MRQ_EMC_DVFS_LATENCY:
	case MRQ_STRAP:
	case MRQ_QUERY_FW_TAG:
		return true;
	case MRQ_CLK:
		return size >= 4 && clock_allowed(&allowed->clocks, words[0]);
	case MRQ_RESET:
		return size >= 8 && has(&allowed->resets, words[1]);
	case MRQ_PG:
		return size >= 8 && (has(&allowed->pgs, words[1]) || words[0] == CMD_PG_GET_STATE ||
				     words[0] == CMD_PG_GET_NAME || words[0] == CMD_PG_GET_MAX_ID);
	default:
		return false;
	}
}

/* What is decided before the firmware hears of it: 0 or a negative errno. */
static int admit(const struct bpmp_message *message, const u8 *tx)
{
	struct bpmp_settings *set = &bpmp_settings;
	int error = 0;

	mutex_lock(&set->lock);
	if (set->presence != BPMP_WHOLE) {
		error = -ENODEV;
	} else if (!is_allowed(&set->allowed, message->mrq, tx, message->tx.size)) {
		error = -EPERM;
	} else if (set->fail_count) {
		set->fail_count--;
		error = -set->fail_errno;
	} else if (message->tx.size > BPMP_FRAME || message->rx.size > BPMP_FRAME) {
		/* So says Linux's BPMP driver. */
		error = -EINVAL;
	}
	mutex_unlock(&set->lock);
	return error;
}

/* As long as a firmware takes. A signal ends it, and then nothing was done. */
static int wait_for_firmware(void)
{
	struct bpmp_settings *set = &bpmp_settings;
	unsigned int generation = READ_ONCE(set->generation);
	u32 delay_us = READ_ONCE(set->delay_us);
	int result;

	if (!delay_us)
		return 0;
	result = wait_event_interruptible_hrtimeout(set->wait, READ_ONCE(set->generation) != generation,
						    ns_to_ktime((u64)delay_us * NSEC_PER_USEC));
	return result == -ERESTARTSYS ? result : 0;
}

/* What a test has the firmware say in place of an answer. */
static bool find_ret(u32 mrq, s32 *ret)
{
	struct bpmp_settings *set = &bpmp_settings;
	bool found = false;
	unsigned int i;

	mutex_lock(&set->lock);
	for (i = 0; i < set->ret_count; i++) {
		if (set->rets[i].mrq == mrq) {
			*ret = set->rets[i].ret;
			found = true;
		}
	}
	mutex_unlock(&set->lock);
	return found;
}

static int reply_size(const struct bpmp_message *message, size_t size, u64 *told)
{
	int sizes = READ_ONCE(bpmp_settings.sizes);

	*told = message->rx.size;
	if (sizes >= 0)
		*told = sizes;
	if (sizes != BPMP_SIZE_REPLY)
		return 0;
	*told = size;
	return size > message->rx.size ? -EOVERFLOW : 0;
}

static int ask_firmware(struct bpmp_message *message, const u8 *tx, u8 *rx, u64 *told)
{
	u8 reply[BPMP_FRAME] __aligned(8);
	size_t size = 0;
	int error;

	error = mutex_lock_interruptible(&turn);
	if (error)
		return -ERESTARTSYS;
	error = wait_for_firmware();
	if (error)
		goto out;
	memcpy(frame, tx, message->tx.size);
	if (!find_ret(message->mrq, &message->rx.ret))
		message->rx.ret = bpmp_firmware_answer(message->mrq, frame, reply, &size);
	if (message->rx.ret < 0)
		size = 0;
	memcpy(frame, reply, size);
	memcpy(rx, frame, message->rx.size);
	error = reply_size(message, size, told);
out:
	mutex_unlock(&turn);
	return error;
}

static int transfer(struct bpmp_message __user *where, enum bpmp_form form)
{
	struct bpmp_record record = { .form = form, .pid = task_tgid_nr(current) };
	u8 tx[BPMP_PAYLOAD] __aligned(8) = {}, rx[BPMP_PAYLOAD] __aligned(8) = {};
	struct bpmp_message message;
	u64 told = 0;
	int error;

	if (copy_from_user(&message, where, sizeof(message)))
		return -EFAULT;
	if (message.tx.size > sizeof(tx) || message.rx.size > sizeof(rx))
		return -EINVAL;
	if (copy_from_user(tx, u64_to_user_ptr(message.tx.data), message.tx.size) ||
	    copy_from_user(rx, u64_to_user_ptr(message.rx.data), message.rx.size))
		return -EFAULT;
	error = admit(&message, tx);
	if (!error)
		error = ask_firmware(&message, tx, rx, &told);
	if (!error && (copy_to_user(u64_to_user_ptr(message.tx.data), tx, message.tx.size) ||
		       copy_to_user(u64_to_user_ptr(message.rx.data), rx, message.rx.size)))
		error = -EFAULT;
	record.mrq = message.mrq;
	record.tx_size = message.tx.size;
	memcpy(record.start, tx, sizeof(record.start));
	record.rx_size = error ? 0 : told;
	record.error = -error;
	record.ret = error ? 0 : message.rx.ret;
	bpmp_log(&record);
	if (error)
		return error;
	message.rx.size = told;
	return copy_to_user(where, &message, sizeof(message)) ? -EFAULT : 0;
}

static ssize_t bpmp_host_write(struct file *file, const char __user *buffer, size_t length, loff_t *offset)
{
	int error;

	if (!(READ_ONCE(bpmp_settings.forms) & BPMP_WRITE) || length != sizeof(struct bpmp_message))
		return -EINVAL;
	error = transfer((struct bpmp_message __user *)buffer, BPMP_WRITE);
	return error ? error : (ssize_t)READ_ONCE(bpmp_settings.written);
}

static long bpmp_host_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	if (!(READ_ONCE(bpmp_settings.forms) & BPMP_IOCTL) || command != BPMP_TRANSFER)
		return -ENOTTY;
	return transfer((struct bpmp_message __user *)argument, BPMP_IOCTL);
}

static int bpmp_host_open(struct inode *inode, struct file *file)
{
	struct opener *opener = kzalloc(sizeof(*opener), GFP_KERNEL);

	if (!opener)
		return -ENOMEM;
	opener->pid = task_tgid_nr(current);
	get_task_comm(opener->name, current);
	file->private_data = opener;
	mutex_lock(&openers_lock);
	list_add_tail(&opener->list, &openers);
	mutex_unlock(&openers_lock);
	return 0;
}

static int bpmp_host_release(struct inode *inode, struct file *file)
{
	struct opener *opener = file->private_data;

	mutex_lock(&openers_lock);
	list_del(&opener->list);
	mutex_unlock(&openers_lock);
	kfree(opener);
	return 0;
}

/* The module stays while somebody has it open. */
static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = bpmp_host_open,
	.release = bpmp_host_release,
	.write = bpmp_host_write,
	.unlocked_ioctl = bpmp_host_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.name = "bpmp-host",
	.fops = &operations,
	.mode = 0600,
};

int bpmp_host_set_presence(enum bpmp_presence presence)
{
	int error;

	if (presence == BPMP_NO_DEVICE && registered) {
		misc_deregister(&device);
		registered = false;
	}
	if (presence != BPMP_NO_DEVICE && !registered) {
		device.minor = MISC_DYNAMIC_MINOR;
		error = misc_register(&device);
		if (error)
			return error;
		registered = true;
	}
	bpmp_settings.presence = presence;
	return 0;
}

void bpmp_host_show_openers(struct seq_file *file)
{
	struct opener *opener;

	mutex_lock(&openers_lock);
	list_for_each_entry(opener, &openers, list)
		seq_printf(file, "%d %s\n", opener->pid, opener->name);
	mutex_unlock(&openers_lock);
}

void bpmp_host_show_state(struct seq_file *file)
{
	mutex_lock(&turn);
	bpmp_firmware_show(file);
	mutex_unlock(&turn);
}

static char *forms = "write";
module_param(forms, charp, 0400);
MODULE_PARM_DESC(forms, "how transfers are taken: write (default), ioctl or both");
static char *allow = "*";
module_param(allow, charp, 0400);
MODULE_PARM_DESC(allow, "what is allowed, as in debugfs, with commas; default: *");
static uint delay_us;
module_param(delay_us, uint, 0400);
MODULE_PARM_DESC(delay_us, "how long the firmware takes");

static int __init bpmp_host_init(void)
{
	char *text;
	int error;

	init_waitqueue_head(&bpmp_settings.wait);
	bpmp_settings.delay_us = delay_us;
	text = kstrdup(allow, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	error = bpmp_allow_set(text);
	kfree(text);
	if (error)
		return error;
	error = bpmp_forms_set(forms);
	if (error)
		return error;
	bpmp_firmware_power_on();
	error = bpmp_control_init();
	if (error)
		return error;
	mutex_lock(&bpmp_settings.lock);
	error = bpmp_host_set_presence(BPMP_WHOLE);
	mutex_unlock(&bpmp_settings.lock);
	if (error)
		bpmp_control_exit();
	return error;
}

static void __exit bpmp_host_exit(void)
{
	bpmp_control_exit();
	mutex_lock(&bpmp_settings.lock);
	bpmp_host_set_presence(BPMP_NO_DEVICE);
	mutex_unlock(&bpmp_settings.lock);
}

module_init(bpmp_host_init);
module_exit(bpmp_host_exit);
MODULE_DESCRIPTION("BPMP host proxy with a model of the firmware, for tests");
MODULE_LICENSE("GPL");
