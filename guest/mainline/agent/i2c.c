#include "i2c.h"

#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sys/ioctl.h>

int i2c_transfer(int bus, uint16_t address, uint8_t *out, size_t out_size, uint8_t *in, size_t in_size)
{
	struct i2c_msg messages[2];
	struct i2c_rdwr_ioctl_data transfer = { .msgs = messages, .nmsgs = 0 };

	if (out_size)
		messages[transfer.nmsgs++] = (struct i2c_msg){ address, 0, out_size, out };
	if (in_size)
		messages[transfer.nmsgs++] = (struct i2c_msg){ address, I2C_M_RD, in_size, in };
	return ioctl(bus, I2C_RDWR, &transfer) < 0 ? -1 : 0;
}
