/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/bpmp-host for tests: the device (bpmp_host.c), what a test sets and sees (bpmp_control.c), and the firmware behind
 * it (bpmp_firmware.c, bpmp_clocks.c, bpmp_table.c).
 */
#ifndef GPUVM_BPMP_HOST_H
#define GPUVM_BPMP_HOST_H

#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/types.h>
#include <linux/wait.h>

/* Linux's BPMP driver takes no more, either way: what one mailbox frame carries. */
#define BPMP_FRAME 120
/* The published proxy takes no more. */
#define BPMP_PAYLOAD 512

enum bpmp_form { BPMP_WRITE = 1, BPMP_IOCTL = 2 };

enum bpmp_presence { BPMP_WHOLE, BPMP_NO_BPMP, BPMP_NO_DEVICE };

/* What rx.size becomes, unless it is a number of bytes. */
enum { BPMP_SIZE_ROOM = -1, BPMP_SIZE_REPLY = -2 };

#define BPMP_MOST_ALLOWED 256
#define BPMP_MOST_RETS 16

struct bpmp_ids {
	u32 count;
	u32 id[BPMP_MOST_ALLOWED];
};

struct bpmp_allowed {
	bool all;
	struct bpmp_ids mrqs, clocks, resets, pgs;
};

struct bpmp_ret {
	u32 mrq;
	s32 ret;
};

/* What a test has set. Everything but the wait's generation is under @lock, which is never held for long. */
struct bpmp_settings {
	struct mutex lock;
	unsigned int forms;
	struct bpmp_allowed allowed;
	unsigned int fail_count;
	int fail_errno;
	struct bpmp_ret rets[BPMP_MOST_RETS];
	unsigned int ret_count;
	u32 delay_us;
	/* Changes whenever @delay_us is set: whoever waits goes on. */
	unsigned int generation;
	wait_queue_head_t wait;
	enum bpmp_presence presence;
	int sizes;
	unsigned int written;
};

extern struct bpmp_settings bpmp_settings;

/* One transfer, as the log has it. */
struct bpmp_record {
	u64 number;
	enum bpmp_form form;
	pid_t pid;
	u32 mrq;
	u32 tx_size;
	u8 start[16];
	u32 rx_size;
	/* 0, or the errno that the caller got; only without one did the firmware answer @ret. */
	int error;
	s32 ret;
};

int bpmp_control_init(void);
void bpmp_control_exit(void);
void bpmp_log(struct bpmp_record *record);
int bpmp_allow_set(char *text);
int bpmp_forms_set(const char *text);

/* The caller holds bpmp_settings.lock. */
int bpmp_host_set_presence(enum bpmp_presence presence);
void bpmp_host_show_openers(struct seq_file *file);
/* Runs with no transfer under way. */
void bpmp_host_show_state(struct seq_file *file);

/* The firmware's side; the callers take turns. @size is what @reply has after a success. Returns 0 or -BPMP_E… */
void bpmp_firmware_power_on(void);
s32 bpmp_firmware_answer(u32 mrq, const u8 *frame, u8 *reply, size_t *size);
void bpmp_firmware_show(struct seq_file *file);

void bpmp_clocks_power_on(void);
s32 bpmp_clocks_answer(const u8 *frame, u8 *reply, size_t *size);
void bpmp_clocks_show(struct seq_file *file);

enum bpmp_clock_kind {
	/* Makes its own rate; settable from @min to @max where it has a @step. */
	BPMP_SOURCE,
	/* Divides its parent by half of what a rate chooses, @divisor at power-on. */
	BPMP_DIVIDER,
	/* Its parent's rate by @divisor, for good. */
	BPMP_RATIO,
	/* Its parent's rate; setting it sets the parent's. */
	BPMP_GATE,
};

#define BPMP_MOST_PARENTS 3
#define BPMP_MAX_CLOCK 476
#define BPMP_MAX_RESET 173
#define BPMP_MAX_PG 36

struct bpmp_clock {
	u16 id;
	u8 kind;
	u8 parent_count;
	bool on;
	/* Rate and parent, or also on and off, are the firmware's alone. */
	bool rate_denied, state_denied;
	const char *name;
	u64 hz, min, max, step;
	u32 divisor;
	u16 parents[BPMP_MOST_PARENTS];
};

extern const struct bpmp_clock bpmp_clock_table[];
extern const unsigned int bpmp_clock_count;
extern const char *const bpmp_pg_names[BPMP_MAX_PG + 1];
bool bpmp_pg_on_at_power_on(u32 id);
bool bpmp_reset_exists(u32 id);
bool bpmp_reset_released_at_power_on(u32 id);

#endif
