// SPDX-License-Identifier: GPL-2.0
/*
 * A BPMP's firmware, as far as Linux's own drivers ask it for clocks, resets and power domains. It sees a whole frame and
 * cannot tell how much of it was sent.
 */
#include <linux/build_bug.h>
#include <linux/string.h>
#include <soc/tegra/bpmp-abi.h>

#include "bpmp_host.h"

#define TAG "gpuvm-test-module"

static bool asserted[BPMP_MAX_RESET + 1];
static bool powered[BPMP_MAX_PG + 1];

void bpmp_firmware_power_on(void)
{
	u32 id;

	bpmp_clocks_power_on();
	for (id = 0; id <= BPMP_MAX_RESET; id++)
		asserted[id] = bpmp_reset_exists(id) && !bpmp_reset_released_at_power_on(id);
	for (id = 0; id <= BPMP_MAX_PG; id++)
		powered[id] = bpmp_pg_on_at_power_on(id);
}

static s32 ping(const u8 *frame, u8 *reply, size_t *size)
{
	const struct mrq_ping_request *request = (const void *)frame;
	struct mrq_ping_response *response = (void *)reply;

	response->reply = request->challenge << 1;
	*size = sizeof(*response);
	return 0;
}

static s32 query_abi(const u8 *frame, u8 *reply, size_t *size)
{
	const struct mrq_query_abi_request *request = (const void *)frame;
	struct mrq_query_abi_response *response = (void *)reply;

	switch (request->mrq) {
	case MRQ_PING:
	case MRQ_THREADED_PING:
	case MRQ_QUERY_ABI:
	case MRQ_QUERY_FW_TAG:
	case MRQ_CLK:
	case MRQ_RESET:
	case MRQ_PG:
		response->status = 0;
		break;
	default:
		response->status = -BPMP_ENODEV;
	}
	*size = sizeof(*response);
	return 0;
}

static s32 firmware_tag(u8 *reply, size_t *size)
{
	struct mrq_query_fw_tag_response *response = (void *)reply;

	BUILD_BUG_ON(sizeof(TAG) > sizeof(response->tag));
	memset(response, 0, sizeof(*response));
	strscpy((char *)response->tag, TAG, sizeof(response->tag));
	*size = sizeof(*response);
	return 0;
}

static s32 reset(const u8 *frame, u8 *reply, size_t *size)
{
	const struct mrq_reset_request *request = (const void *)frame;

	switch (request->cmd) {
	case CMD_RESET_GET_MAX_ID:
		((struct cmd_reset_get_max_id_response *)reply)->max_id = BPMP_MAX_RESET;
		*size = sizeof(struct cmd_reset_get_max_id_response);
		return 0;
	case CMD_RESET_ASSERT:
	case CMD_RESET_DEASSERT:
	case CMD_RESET_MODULE:
		if (!bpmp_reset_exists(request->reset_id))
			return -BPMP_EINVAL;
		/* MODULE is a pulse, and ends with the line released. */
		asserted[request->reset_id] = request->cmd == CMD_RESET_ASSERT;
		return 0;
	default:
		return -BPMP_EBADCMD;
	}
}

static s32 power_domain(const u8 *frame, u8 *reply, size_t *size)
{
	const struct mrq_pg_request *request = (const void *)frame;
	struct mrq_pg_response *response = (void *)reply;
	u32 id = request->id;

	if (request->cmd == CMD_PG_QUERY_ABI)
		return request->query_abi.type <= CMD_PG_GET_MAX_ID ? 0 : -BPMP_ENODEV;
	if (request->cmd == CMD_PG_GET_MAX_ID) {
		response->get_max_id.max_id = BPMP_MAX_PG;
		*size = sizeof(response->get_max_id);
		return 0;
	}
	if (request->cmd > CMD_PG_GET_MAX_ID)
		return -BPMP_EBADCMD;
	if (id > BPMP_MAX_PG || !bpmp_pg_names[id])
		return -BPMP_EINVAL;
	switch (request->cmd) {
	case CMD_PG_SET_STATE:
		if (request->set_state.state > PG_STATE_ON)
			return -BPMP_EINVAL;
		powered[id] = request->set_state.state == PG_STATE_ON;
		return 0;
	case CMD_PG_GET_STATE:
		response->get_state.state = powered[id] ? PG_STATE_ON : PG_STATE_OFF;
		*size = sizeof(response->get_state);
		return 0;
	default:
		memset(&response->get_name, 0, sizeof(response->get_name));
		strscpy((char *)response->get_name.name, bpmp_pg_names[id], sizeof(response->get_name.name));
		*size = sizeof(response->get_name);
		return 0;
	}
}

s32 bpmp_firmware_answer(u32 mrq, const u8 *frame, u8 *reply, size_t *size)
{
	*size = 0;
	switch (mrq) {
	case MRQ_PING:
	case MRQ_THREADED_PING:
		return ping(frame, reply, size);
	case MRQ_QUERY_ABI:
		return query_abi(frame, reply, size);
	case MRQ_QUERY_FW_TAG:
		return firmware_tag(reply, size);
	case MRQ_CLK:
		return bpmp_clocks_answer(frame, reply, size);
	case MRQ_RESET:
		return reset(frame, reply, size);
	case MRQ_PG:
		return power_domain(frame, reply, size);
	default:
		return -BPMP_ENODEV;
	}
}

void bpmp_firmware_show(struct seq_file *file)
{
	u32 id;

	bpmp_clocks_show(file);
	for (id = 0; id <= BPMP_MAX_RESET; id++)
		if (asserted[id])
			seq_printf(file, "reset %u asserted\n", id);
	for (id = 0; id <= BPMP_MAX_PG; id++)
		if (powered[id])
			seq_printf(file, "pg %u on\n", id);
}
