// What the parts of the probe share; see probe.c.

#ifndef PROBE_H
#define PROBE_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

u64 now(void);
u64 counter_frequency(void);
void put(char c);
void put_text(const char *text);
void put_hex(u64 value, int digits);
void print_times(u64 count);
void write(u64 size, u64 address, u64 value);
u64 read(u64 size, u64 address);

// Where the times of a REPEAT are kept until they are printed.
#define TIMES 0x46100000ul

// What an IVC step's address points at.
struct ivc_request {
	u64 hsp;
	u64 sram;
	u64 channel;
	u64 mrq;
	u64 size;	// of the request's data, and of what is read of the answer's, in bytes; a multiple of 8
	u8 data[120];
};

void ivc_boot(const struct ivc_request *request);
void ivc_transfer(const struct ivc_request *request);
void ivc_repeat(const struct ivc_request *request, u64 count);

#endif
