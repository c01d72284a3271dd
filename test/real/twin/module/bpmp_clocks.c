// SPDX-License-Identifier: GPL-2.0
/*
 * MRQ_CLK. A clock's state is what was asked for last, as the ABI has it: enabling a child does not show on its parents, and a
 * second enable is not counted.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <soc/tegra/bpmp-abi.h>

#include "bpmp_host.h"

#define FLAG_HAS_MUX BIT(0)
#define FLAG_HAS_SET_RATE BIT(1)
#define FLAG_IS_ROOT BIT(2)
#define FLAG_RATE_DENIED BIT(30)
#define FLAG_STATE_DENIED BIT(31)

#define MOST_CLOCKS 128
#define MOST_HALVES 512

struct clock_state {
	bool on;
	u16 parent;
	/* Hz for a source, halves for a divider. */
	u64 setting;
};

static struct clock_state states[MOST_CLOCKS];
/* By id: the place in the table, and one more. */
static u8 places[BPMP_MAX_CLOCK + 1];

static struct clock_state power_on_state(const struct bpmp_clock *clock)
{
	return (struct clock_state){
		.on = clock->on,
		.parent = clock->parents[0],
		.setting = clock->kind == BPMP_SOURCE ? clock->hz : 2 * clock->divisor,
	};
}

void bpmp_clocks_power_on(void)
{
	unsigned int i;

	for (i = 0; i < bpmp_clock_count && i < MOST_CLOCKS; i++) {
		places[bpmp_clock_table[i].id] = i + 1;
		states[i] = power_on_state(&bpmp_clock_table[i]);
	}
}

static const struct bpmp_clock *find(u32 id)
{
	return id <= BPMP_MAX_CLOCK && places[id] ? &bpmp_clock_table[places[id] - 1] : NULL;
}

static struct clock_state *state_of(const struct bpmp_clock *clock)
{
	return &states[clock - bpmp_clock_table];
}

static const struct bpmp_clock *parent_of(const struct bpmp_clock *clock)
{
	return clock->parent_count ? find(state_of(clock)->parent) : NULL;
}

/* The table is no deeper than four. */
static u64 rate_of(const struct bpmp_clock *clock)
{
	u64 setting = state_of(clock)->setting, parent;

	if (clock->kind == BPMP_SOURCE)
		return setting;
	parent = rate_of(parent_of(clock));
	switch (clock->kind) {
	case BPMP_DIVIDER:
		return div64_u64(2 * parent, setting);
	case BPMP_RATIO:
		return div64_u64(parent, clock->divisor);
	default:
		return parent;
	}
}

/* Whose setting changes where this clock's rate is set; none where it is fixed. */
static const struct bpmp_clock *settable(const struct bpmp_clock *clock)
{
	while (clock && clock->kind == BPMP_GATE && !clock->rate_denied)
		clock = parent_of(clock);
	if (!clock || clock->rate_denied)
		return NULL;
	return clock->kind == BPMP_DIVIDER || (clock->kind == BPMP_SOURCE && clock->step) ? clock : NULL;
}

/* The least number of halves that does not give more than @hz; at a rate that it has given before, the same. */
static u64 halves_for(const struct bpmp_clock *clock, u64 hz)
{
	u64 parts = 2 * rate_of(parent_of(clock)), halves;

	if (!hz)
		return MOST_HALVES;
	halves = div64_u64(parts + hz - 1, hz);
	if (halves > 1 && div64_u64(parts, halves - 1) <= hz)
		halves--;
	return clamp_t(u64, halves, 2, MOST_HALVES);
}

static u64 setting_for(const struct bpmp_clock *clock, u64 hz)
{
	if (clock->kind == BPMP_DIVIDER)
		return halves_for(clock, hz);
	hz = clamp_t(u64, hz, clock->min, clock->max);
	return div64_u64(hz, clock->step) * clock->step;
}

static u64 round_rate(const struct bpmp_clock *clock, u64 hz)
{
	const struct bpmp_clock *set = settable(clock);

	if (!set)
		return rate_of(clock);
	if (set->kind == BPMP_DIVIDER)
		return div64_u64(2 * rate_of(parent_of(set)), setting_for(set, hz));
	return setting_for(set, hz);
}

static bool may_have_parent(const struct bpmp_clock *clock, u32 id)
{
	unsigned int i;

	for (i = 0; i < clock->parent_count; i++)
		if (clock->parents[i] == id)
			return true;
	return false;
}

static u32 flags_of(const struct bpmp_clock *clock)
{
	u32 flags = 0;

	if (!clock->parent_count)
		flags |= FLAG_IS_ROOT;
	if (clock->parent_count > 1)
		flags |= FLAG_HAS_MUX;
	if (settable(clock))
		flags |= FLAG_HAS_SET_RATE;
	if (clock->rate_denied)
		flags |= FLAG_RATE_DENIED;
	if (clock->state_denied)
		flags |= FLAG_STATE_DENIED;
	return flags;
}

static void all_info(const struct bpmp_clock *clock, struct cmd_clk_get_all_info_response *info)
{
	unsigned int i;

	memset(info, 0, sizeof(*info));
	info->flags = flags_of(clock);
	info->parent = state_of(clock)->parent;
	info->num_parents = clock->parent_count;
	for (i = 0; i < clock->parent_count; i++)
		info->parents[i] = clock->parents[i];
	strscpy((char *)info->name, clock->name, sizeof(info->name));
}

static s32 set_rate(const struct bpmp_clock *clock, s64 hz, s64 *got)
{
	const struct bpmp_clock *set = settable(clock);

	if (clock->rate_denied)
		return -BPMP_EACCES;
	if (!set || hz < 0)
		return -BPMP_EINVAL;
	state_of(set)->setting = setting_for(set, hz);
	*got = rate_of(clock);
	return 0;
}

static s32 set_state(const struct bpmp_clock *clock, bool on)
{
	if (clock->state_denied)
		return -BPMP_EACCES;
	state_of(clock)->on = on;
	return 0;
}

static s32 set_parent(const struct bpmp_clock *clock, u32 parent, u32 *got)
{
	if (clock->rate_denied)
		return -BPMP_EACCES;
	if (!may_have_parent(clock, parent))
		return -BPMP_EINVAL;
	state_of(clock)->parent = parent;
	*got = parent;
	return 0;
}

s32 bpmp_clocks_answer(const u8 *frame, u8 *reply, size_t *size)
{
	const struct mrq_clk_request *request = (const void *)frame;
	struct mrq_clk_response *response = (void *)reply;
	const struct bpmp_clock *clock = find(request->cmd_and_id & 0xffffff);
	u32 command = request->cmd_and_id >> 24;

	if (command == CMD_CLK_GET_MAX_CLK_ID) {
		response->clk_get_max_clk_id.max_id = BPMP_MAX_CLOCK;
		*size = sizeof(response->clk_get_max_clk_id);
		return 0;
	}
	if (!command || command > CMD_CLK_GET_FMAX_AT_VMIN || (command > CMD_CLK_DISABLE && command < CMD_CLK_GET_ALL_INFO))
		return -BPMP_EBADCMD;
	if (!clock)
		return -BPMP_EINVAL;
	switch (command) {
	case CMD_CLK_GET_RATE:
		response->clk_get_rate.rate = rate_of(clock);
		*size = sizeof(response->clk_get_rate);
		return 0;
	case CMD_CLK_SET_RATE:
		*size = sizeof(response->clk_set_rate);
		return set_rate(clock, request->clk_set_rate.rate, &response->clk_set_rate.rate);
	case CMD_CLK_ROUND_RATE:
		response->clk_round_rate.rate = round_rate(clock, max_t(s64, request->clk_round_rate.rate, 0));
		*size = sizeof(response->clk_round_rate);
		return 0;
	case CMD_CLK_GET_PARENT:
		response->clk_get_parent.parent_id = state_of(clock)->parent;
		*size = sizeof(response->clk_get_parent);
		return 0;
	case CMD_CLK_SET_PARENT:
		*size = sizeof(response->clk_set_parent);
		return set_parent(clock, request->clk_set_parent.parent_id, &response->clk_set_parent.parent_id);
	case CMD_CLK_IS_ENABLED:
		response->clk_is_enabled.state = state_of(clock)->on;
		*size = sizeof(response->clk_is_enabled);
		return 0;
	case CMD_CLK_ENABLE:
	case CMD_CLK_DISABLE:
		return set_state(clock, command == CMD_CLK_ENABLE);
	case CMD_CLK_GET_ALL_INFO:
		all_info(clock, &response->clk_get_all_info);
		*size = sizeof(response->clk_get_all_info);
		return 0;
	default:
		/* GET_FMAX_AT_VMIN: only of a loop that scales with voltage. */
		clock = settable(clock);
		if (!clock || clock->kind != BPMP_SOURCE || clock->step < 2)
			return -BPMP_EINVAL;
		response->clk_get_fmax_at_vmin.rate = div64_u64(clock->min + clock->max, 2 * clock->step) * clock->step;
		*size = sizeof(response->clk_get_fmax_at_vmin);
		return 0;
	}
}

/* What is on, and of what is off that which is not as at power-on. */
void bpmp_clocks_show(struct seq_file *file)
{
	unsigned int i;

	for (i = 0; i < bpmp_clock_count; i++) {
		const struct bpmp_clock *clock = &bpmp_clock_table[i];
		struct clock_state now = states[i], first = power_on_state(clock);

		if (!now.on && now.setting == first.setting && now.parent == first.parent)
			continue;
		seq_printf(file, "clk %u %s rate %llu", clock->id, now.on ? "on" : "off", rate_of(clock));
		if (now.parent != first.parent)
			seq_printf(file, " parent %u", now.parent);
		seq_putc(file, '\n');
	}
}
