/*
 * The first program of the mainline guest: does what the host's tests ask for on the serial line. A request is a line,
 * a number and words; the answer is a line of JSON with that number. It opens no file by itself but what it is told to.
 * With "-- show" at the end of the kernel's command line it shows people what there is, and powers off.
 *
 *	1 read PATH			2 write PATH TEXT		3 list PATH
 *	4 log				5 i2c PATH ADDRESS HEX SIZE	6 stress COUNT JOB...
 *	7 kexec IMAGE INITRD APPEND	8 reboot			9 poweroff
 *	10 peek ADDRESS			11 poke ADDRESS VALUE
 */
#define _GNU_SOURCE
#include "i2c.h"
#include "memory.h"
#include "reply.h"
#include "show.h"
#include "stress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINE 4096
#define MAX_WORDS 80
#define CHUNK 65536

/* Of klogctl (syslog(2)). */
#define LOG_READ_ALL 3
#define LOG_CONSOLE_LEVEL 8
#define LOG_SIZE 10

static int line;

static void read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return reply_failure(path);
	do {
		text = realloc(text, size + CHUNK);
		got = text ? read(fd, text + size, CHUNK) : -1;
		if (got > 0)
			size += got;
	} while (got > 0);
	if (got < 0) {
		reply_failure(path);
	} else {
		reply_bool("ok", true);
		reply_text("text", text, size);
	}
	free(text);
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		reply_failure(path);
	else
		reply_bool("ok", true);
	if (fd >= 0)
		close(fd);
}

static void list(const char *path)
{
	char names[CHUNK] = "";
	struct dirent *entry;
	size_t used = 0;
	DIR *folder = opendir(path);

	if (!folder)
		return reply_failure(path);
	while ((entry = readdir(folder)) && used + sizeof(entry->d_name) + 1 < sizeof(names)) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			used += sprintf(names + used, "%s\n", entry->d_name);
	}
	closedir(folder);
	reply_bool("ok", true);
	reply_text("text", names, used);
}

static void show_log(void)
{
	int size = klogctl(LOG_SIZE, NULL, 0);
	char *text = malloc(size);

	size = klogctl(LOG_READ_ALL, text, size);
	reply_bool("ok", size >= 0);
	reply_text("text", text, size < 0 ? 0 : size);
	free(text);
}

static void i2c(const char *path, const char *address, const char *hex, const char *size)
{
	uint8_t out[128], in[128];
	size_t out_size = 0, in_size = strtoul(size, NULL, 0);
	char text[2 * sizeof(in) + 1] = "";
	int bus = open(path, O_RDWR);

	for (; out_size < sizeof(out) && sscanf(hex, "%2hhx", &out[out_size]) == 1; hex += 2)
		out_size++;
	if (in_size > sizeof(in))
		in_size = sizeof(in);
	if (bus < 0 || i2c_transfer(bus, strtoul(address, NULL, 0), out, out_size, in, in_size) < 0) {
		reply_failure(path);
	} else {
		for (size_t i = 0; i < in_size; i++)
			sprintf(text + 2 * i, "%02x", in[i]);
		reply_bool("ok", true);
		reply_string("text", text);
	}
	if (bus >= 0)
		close(bus);
}

static void peek(const char *address)
{
	char text[19];
	uint64_t value;

	if (memory_read(strtoull(address, NULL, 0), &value) < 0)
		return reply_failure(address);
	sprintf(text, "0x%llx", (unsigned long long)value);
	reply_bool("ok", true);
	reply_string("text", text);
}

static void poke(const char *address, const char *value)
{
	if (memory_write(strtoull(address, NULL, 0), strtoull(value, NULL, 0)) < 0)
		return reply_failure(address);
	reply_bool("ok", true);
}

/* Loads the next kernel; the reboot into it is `reboot`'s. The running kernel's tree is handed on. */
static bool load_kernel(const char *image, const char *initrd, const char *append)
{
	int image_fd = open(image, O_RDONLY), initrd_fd = open(initrd, O_RDONLY);

	return image_fd >= 0 && initrd_fd >= 0 &&
	       syscall(SYS_kexec_file_load, image_fd, initrd_fd, strlen(append) + 1, append, 0UL) == 0;
}

/* Answered first, as there is no later. */
static void leave(int how)
{
	reply_bool("ok", true);
	reply_end(line);
	tcdrain(line);
	sync();
	reboot(how);
	reply_begin();
	reply_failure("reboot");
}

/* The rest of a line from its nth word on, as it was before it was cut into words. */
static char *join(char **words, int from, int count)
{
	for (int i = from; i < count - 1; i++)
		words[i][strlen(words[i])] = ' ';
	return words[from];
}

static void run(char **words, int count)
{
	const char *command = words[0];

	if (!strcmp(command, "read") && count == 2)
		read_file(words[1]);
	else if (!strcmp(command, "write") && count >= 3)
		write_file(words[1], join(words, 2, count));
	else if (!strcmp(command, "list") && count == 2)
		list(words[1]);
	else if (!strcmp(command, "log"))
		show_log();
	else if (!strcmp(command, "i2c") && count == 5)
		i2c(words[1], words[2], words[3], words[4]);
	else if (!strcmp(command, "stress") && count > 2)
		stress(strtol(words[1], NULL, 0), words + 2, count - 2);
	else if (!strcmp(command, "peek") && count == 2)
		peek(words[1]);
	else if (!strcmp(command, "poke") && count == 3)
		poke(words[1], words[2]);
	else if (!strcmp(command, "kexec") && count > 3 && load_kernel(words[1], words[2], join(words, 3, count)))
		leave(RB_KEXEC);
	else if (!strcmp(command, "kexec"))
		reply_failure("kexec");
	else if (!strcmp(command, "reboot"))
		leave(RB_AUTOBOOT);
	else if (!strcmp(command, "poweroff"))
		leave(RB_POWER_OFF);
	else
		reply_bool("ok", false), reply_string("message", "no such request");
}

static void answer(char *text)
{
	char *words[MAX_WORDS], *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(text, " ", &rest); word && count < MAX_WORDS; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	if (count < 2)
		return;
	reply_begin();
	reply_number("id", strtol(words[0], NULL, 10));
	run(words + 1, count - 1);
	reply_end(line);
}

static void open_line(void)
{
	struct termios settings;

	line = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	if (line < 0)
		abort();
	tcgetattr(line, &settings);
	cfmakeraw(&settings);
	tcsetattr(line, TCSANOW, &settings);
}

static void greet(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	reply_begin();
	reply_string("event", "init");
	reply_number("bootMs", now.tv_sec * 1000 + now.tv_nsec / 1000000);
	reply_number("cpus", sysconf(_SC_NPROCESSORS_ONLN));
	reply_end(line);
}

int main(int argc, char **argv)
{
	char text[MAX_LINE];
	size_t used = 0;
	ssize_t got;

	mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/sys", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	open_line();
	/* Only a dying kernel still writes between our lines; the rest is had by "log". */
	klogctl(LOG_CONSOLE_LEVEL, NULL, 1);
	if (argc > 1 && !strcmp(argv[1], "show")) {
		show();
		reboot(RB_POWER_OFF);
	}
	greet();
	for (;;) {
		got = read(line, text + used, sizeof(text) - used - 1);
		if (got <= 0)
			continue;
		used += got;
		text[used] = '\0';
		for (char *end; (end = strpbrk(text, "\r\n")); used -= end + 1 - text, memmove(text, end + 1, used + 1)) {
			*end = '\0';
			answer(text);
		}
		if (used == sizeof(text) - 1)
			used = 0;
	}
}
