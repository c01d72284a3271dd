// SPDX-License-Identifier: GPL-2.0
/*
 * What a test sets and sees of /dev/bpmp-host: /sys/kernel/debug/bpmp-host/. A write is taken whole or refused whole.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "bpmp_host.h"

#define RING 4096
#define MOST_TEXT 8192
/* An errno that a caller can be told. */
#define MOST_ERRNO 511

struct bpmp_settings bpmp_settings = {
	.lock = __MUTEX_INITIALIZER(bpmp_settings.lock),
	.forms = BPMP_WRITE,
	.sizes = BPMP_SIZE_ROOM,
	.written = 48,
};

static struct dentry *folder;
/* Under bpmp_settings.lock. */
static struct bpmp_record *ring;
static u64 logged, cleared;

void bpmp_log(struct bpmp_record *record)
{
	mutex_lock(&bpmp_settings.lock);
	record->number = ++logged;
	ring[record->number % RING] = *record;
	mutex_unlock(&bpmp_settings.lock);
}

int bpmp_forms_set(const char *text)
{
	if (!strcmp(text, "write"))
		bpmp_settings.forms = BPMP_WRITE;
	else if (!strcmp(text, "ioctl"))
		bpmp_settings.forms = BPMP_IOCTL;
	else if (!strcmp(text, "both"))
		bpmp_settings.forms = BPMP_WRITE | BPMP_IOCTL;
	else
		return -EINVAL;
	return 0;
}

/* "mrq N", "clk N", "reset N", "pg N", or "*". */
static int allow_line(struct bpmp_allowed *allowed, const char *line)
{
	struct bpmp_ids *ids;
	char kind[8], rest;
	u32 id;

	if (!strcmp(line, "*")) {
		allowed->all = true;
		return 0;
	}
	if (sscanf(line, "%7s %u %c", kind, &id, &rest) != 2)
		return -EINVAL;
	if (!strcmp(kind, "mrq"))
		ids = &allowed->mrqs;
	else if (!strcmp(kind, "clk"))
		ids = &allowed->clocks;
	else if (!strcmp(kind, "reset"))
		ids = &allowed->resets;
	else if (!strcmp(kind, "pg"))
		ids = &allowed->pgs;
	else
		return -EINVAL;
	if (ids->count == BPMP_MOST_ALLOWED)
		return -ENOSPC;
	ids->id[ids->count++] = id;
	return 0;
}

/*
 * Lines, or commas between them, to be allowed beside what is. Opening the file to write it anew empties the list, so that it
 * does not matter how a shell cuts its lines into writes.
 */
int bpmp_allow_set(char *text)
{
	struct bpmp_allowed *allowed = kmemdup(&bpmp_settings.allowed, sizeof(*allowed), GFP_KERNEL);
	char *line;
	int error = 0;

	if (!allowed)
		return -ENOMEM;
	while (!error && (line = strsep(&text, "\n,"))) {
		line = strim(line);
		if (*line)
			error = allow_line(allowed, line);
	}
	if (!error)
		bpmp_settings.allowed = *allowed;
	kfree(allowed);
	return error;
}

static void allow_clear(void)
{
	memset(&bpmp_settings.allowed, 0, sizeof(bpmp_settings.allowed));
}

static void show_ids(struct seq_file *file, const char *kind, const struct bpmp_ids *ids)
{
	u32 i;

	for (i = 0; i < ids->count; i++)
		seq_printf(file, "%s %u\n", kind, ids->id[i]);
}

static void allow_show(struct seq_file *file)
{
	const struct bpmp_allowed *allowed = &bpmp_settings.allowed;

	if (allowed->all)
		seq_puts(file, "*\n");
	show_ids(file, "mrq", &allowed->mrqs);
	show_ids(file, "clk", &allowed->clocks);
	show_ids(file, "reset", &allowed->resets);
	show_ids(file, "pg", &allowed->pgs);
}

static void forms_show(struct seq_file *file)
{
	static const char *const names[] = { "none", "write", "ioctl", "both" };

	seq_printf(file, "%s\n", names[bpmp_settings.forms]);
}

static int forms_set(char *text)
{
	return bpmp_forms_set(text);
}

/* "<count> <errno>": so many transfers that were allowed fail. */
static int fail_set(char *text)
{
	unsigned int count;
	int number;
	char rest;

	if (sscanf(text, "%u %d %c", &count, &number, &rest) != 2 || number < 1 || number > MOST_ERRNO)
		return -EINVAL;
	bpmp_settings.fail_count = count;
	bpmp_settings.fail_errno = number;
	return 0;
}

static void fail_show(struct seq_file *file)
{
	seq_printf(file, "%u %d\n", bpmp_settings.fail_count, bpmp_settings.fail_errno);
}

/* "<mrq> <ret>": what the firmware answers to it, doing nothing. "none": to each as it does. */
static int ret_set(char *text)
{
	struct bpmp_settings *set = &bpmp_settings;
	unsigned int i;
	u32 mrq;
	s32 ret;
	char rest;

	if (!strcmp(text, "none")) {
		set->ret_count = 0;
		return 0;
	}
	if (sscanf(text, "%u %d %c", &mrq, &ret, &rest) != 2)
		return -EINVAL;
	for (i = 0; i < set->ret_count && set->rets[i].mrq != mrq; i++)
		;
	if (i == BPMP_MOST_RETS)
		return -ENOSPC;
	set->rets[i] = (struct bpmp_ret){ mrq, ret };
	if (i == set->ret_count)
		set->ret_count++;
	return 0;
}

static void ret_show(struct seq_file *file)
{
	unsigned int i;

	for (i = 0; i < bpmp_settings.ret_count; i++)
		seq_printf(file, "%u %d\n", bpmp_settings.rets[i].mrq, bpmp_settings.rets[i].ret);
}

static int delay_us_set(char *text)
{
	u32 delay_us;
	int error = kstrtou32(text, 10, &delay_us);

	if (error)
		return error;
	WRITE_ONCE(bpmp_settings.delay_us, delay_us);
	WRITE_ONCE(bpmp_settings.generation, bpmp_settings.generation + 1);
	wake_up_all(&bpmp_settings.wait);
	return 0;
}

static void delay_us_show(struct seq_file *file)
{
	seq_printf(file, "%u\n", bpmp_settings.delay_us);
}

static const char *const presences[] = {
	[BPMP_WHOLE] = "whole",
	[BPMP_NO_BPMP] = "no-bpmp",
	[BPMP_NO_DEVICE] = "no-device",
};

/* "no-bpmp": nothing behind it; "no-device": no node either, and whoever has it open keeps a dead one. */
static int presence_set(char *text)
{
	int which = match_string(presences, ARRAY_SIZE(presences), text);

	return which < 0 ? which : bpmp_host_set_presence(which);
}

static void presence_show(struct seq_file *file)
{
	seq_printf(file, "%s\n", presences[bpmp_settings.presence]);
}

/* What rx.size becomes: "room" as Linux has it, the caller's own; "reply", that of the answer; or a number. */
static int sizes_set(char *text)
{
	int size;

	if (!strcmp(text, "room"))
		size = BPMP_SIZE_ROOM;
	else if (!strcmp(text, "reply"))
		size = BPMP_SIZE_REPLY;
	else if (kstrtoint(text, 10, &size) || size < 0)
		return -EINVAL;
	WRITE_ONCE(bpmp_settings.sizes, size);
	return 0;
}

static void sizes_show(struct seq_file *file)
{
	if (bpmp_settings.sizes >= 0)
		seq_printf(file, "%d\n", bpmp_settings.sizes);
	else
		seq_puts(file, bpmp_settings.sizes == BPMP_SIZE_ROOM ? "room\n" : "reply\n");
}

/* What write(2) returns of 48 bytes. */
static int written_set(char *text)
{
	u32 written;

	if (kstrtou32(text, 10, &written) || written > 48)
		return -EINVAL;
	WRITE_ONCE(bpmp_settings.written, written);
	return 0;
}

static void written_show(struct seq_file *file)
{
	seq_printf(file, "%u\n", bpmp_settings.written);
}

/* Any write empties it. */
static int log_set(char *text)
{
	cleared = logged;
	return 0;
}

/* "SEQUENCE FORM PID MRQ TX-SIZE FIRST-16-BYTES RX-SIZE RET", the last one "!ERRNO" where the caller got an errno. */
static void show_record(struct seq_file *file, const struct bpmp_record *record)
{
	u32 shown = min_t(u32, record->tx_size, sizeof(record->start));

	seq_printf(file, "%llu %s %d %u %u ", record->number, record->form == BPMP_WRITE ? "write" : "ioctl", record->pid,
		   record->mrq, record->tx_size);
	if (shown)
		seq_printf(file, "%*phN", shown, record->start);
	else
		seq_putc(file, '-');
	seq_printf(file, " %u ", record->rx_size);
	if (record->error)
		seq_printf(file, "!%d\n", record->error);
	else
		seq_printf(file, "%d\n", record->ret);
}

static void log_show(struct seq_file *file)
{
	u64 first = max_t(s64, (s64)logged - RING, cleared), number;

	if (first > cleared)
		seq_printf(file, "lost %llu\n", first - cleared);
	for (number = first + 1; number <= logged; number++)
		show_record(file, &ring[number % RING]);
}

static void open_show(struct seq_file *file)
{
	bpmp_host_show_openers(file);
}

struct control {
	const char *name;
	void (*show)(struct seq_file *file);
	int (*set)(char *text);
	/* At an open that truncates. */
	void (*clear)(void);
};

static const struct control controls[] = {
	{ "forms", forms_show, forms_set },
	{ "allow", allow_show, bpmp_allow_set, allow_clear },
	{ "fail", fail_show, fail_set },
	{ "ret", ret_show, ret_set },
	{ "delay_us", delay_us_show, delay_us_set },
	{ "presence", presence_show, presence_set },
	{ "sizes", sizes_show, sizes_set },
	{ "written", written_show, written_set },
	{ "log", log_show, log_set },
	{ "open", open_show, NULL },
};

static int show(struct seq_file *file, void *unused)
{
	const struct control *control = file->private;

	mutex_lock(&bpmp_settings.lock);
	control->show(file);
	mutex_unlock(&bpmp_settings.lock);
	return 0;
}

static int control_open(struct inode *inode, struct file *file)
{
	const struct control *control = inode->i_private;

	if (control->clear && (file->f_mode & FMODE_WRITE) && (file->f_flags & O_TRUNC)) {
		mutex_lock(&bpmp_settings.lock);
		control->clear();
		mutex_unlock(&bpmp_settings.lock);
	}
	return single_open(file, show, inode->i_private);
}

static ssize_t control_write(struct file *file, const char __user *buffer, size_t length, loff_t *offset)
{
	const struct control *control = file_inode(file)->i_private;
	char *text;
	int error;

	if (!control->set)
		return -EINVAL;
	if (length > MOST_TEXT)
		return -E2BIG;
	text = memdup_user_nul(buffer, length);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&bpmp_settings.lock);
	error = control->set(strim(text));
	mutex_unlock(&bpmp_settings.lock);
	kfree(text);
	return error ? error : length;
}

static const struct file_operations control_operations = {
	.owner = THIS_MODULE,
	.open = control_open,
	.read = seq_read,
	.write = control_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int state_show(struct seq_file *file, void *unused)
{
	bpmp_host_show_state(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

int bpmp_control_init(void)
{
	unsigned int i;

	ring = vcalloc(RING, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	folder = debugfs_create_dir("bpmp-host", NULL);
	for (i = 0; i < ARRAY_SIZE(controls); i++)
		debugfs_create_file(controls[i].name, 0600, folder, (void *)&controls[i], &control_operations);
	debugfs_create_file("state", 0400, folder, NULL, &state_fops);
	return 0;
}

void bpmp_control_exit(void)
{
	debugfs_remove_recursive(folder);
	vfree(ring);
}
