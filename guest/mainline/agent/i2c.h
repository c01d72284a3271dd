/* Transfers on an i2c-dev bus. */
#ifndef I2C_H
#define I2C_H

#include <stddef.h>
#include <stdint.h>

/* Writes some bytes, if there are any, and reads some, if any are wanted, in one transfer; -1 with errno. */
int i2c_transfer(int bus, uint16_t address, uint8_t *out, size_t out_size, uint8_t *in, size_t in_size);

#endif
