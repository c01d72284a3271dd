#define _GNU_SOURCE
#include "stress.h"
#include "i2c.h"
#include "reply.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_JOBS 64
#define MAX_TEXT 128

struct job {
	pthread_t thread;
	bool (*once)(struct job *job);
	int fd;
	uint16_t address;
	unsigned int turn;
	char expected[MAX_TEXT];
	long done, failed, wrong;
	char complaint[MAX_TEXT];
};

static struct job jobs[MAX_JOBS];
static atomic_long left;
static pthread_barrier_t start;

static bool read_once(struct job *job)
{
	char text[MAX_TEXT] = "";

	if (pread(job->fd, text, sizeof(text) - 1, 0) < 0)
		return false;
	if (strcmp(text, job->expected)) {
		job->wrong++;
		snprintf(job->complaint, sizeof(job->complaint), "%.40s, not %.40s", text, job->expected);
	}
	return true;
}

static bool i2c_once(struct job *job)
{
	uint8_t at = 37 * job->turn++, values[16];
	size_t size = 1 + job->turn % sizeof(values);

	if (i2c_transfer(job->fd, job->address, &at, 1, values, size) < 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		uint8_t expected = 0xa0 ^ (uint8_t)(at + i);

		if (values[i] != expected) {
			job->wrong++;
			snprintf(job->complaint, sizeof(job->complaint), "register %zu: %02x, not %02x",
				 at + i, values[i], expected);
			break;
		}
	}
	return true;
}

static bool prepare(struct job *job, char *text)
{
	char *value = strchr(text, '=');
	char *address;

	memset(job, 0, sizeof(*job));
	errno = EINVAL;
	if (!value)
		return false;
	*value++ = '\0';
	if (!strcmp(text, "i2c")) {
		address = strchr(value, ',');
		if (!address)
			return false;
		*address++ = '\0';
		job->address = strtoul(address, NULL, 0);
		job->once = i2c_once;
	} else if (!strcmp(text, "read")) {
		job->once = read_once;
	} else {
		return false;
	}
	job->fd = open(value, job->once == i2c_once ? O_RDWR : O_RDONLY);
	if (job->fd < 0)
		return false;
	return job->once == i2c_once || pread(job->fd, job->expected, sizeof(job->expected) - 1, 0) >= 0;
}

static void *work(void *argument)
{
	struct job *job = argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((job - jobs) % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	pthread_barrier_wait(&start);
	while (atomic_fetch_sub(&left, 1) > 0) {
		job->done++;
		if (!job->once(job)) {
			job->failed++;
			snprintf(job->complaint, sizeof(job->complaint), "%s", strerror(errno));
		}
	}
	return NULL;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void report(int count, double ms)
{
	long done = 0, failed = 0, wrong = 0;
	const char *complaint = "";

	for (int i = 0; i < count; i++) {
		close(jobs[i].fd);
		done += jobs[i].done;
		failed += jobs[i].failed;
		wrong += jobs[i].wrong;
		if (jobs[i].complaint[0])
			complaint = jobs[i].complaint;
	}
	reply_bool("ok", true);
	reply_number("done", done);
	reply_number("failed", failed);
	reply_number("wrong", wrong);
	reply_number("ms", ms);
	reply_string("complaint", complaint);
}

void stress(long count, char *const *texts, int jobs_count)
{
	double began;

	if (jobs_count > MAX_JOBS)
		jobs_count = MAX_JOBS;
	for (int i = 0; i < jobs_count; i++) {
		if (!prepare(&jobs[i], texts[i]))
			return reply_failure(texts[i]);
	}
	atomic_store(&left, count);
	pthread_barrier_init(&start, NULL, jobs_count + 1);
	for (int i = 0; i < jobs_count; i++)
		pthread_create(&jobs[i].thread, NULL, work, &jobs[i]);
	began = now_ms();
	pthread_barrier_wait(&start);
	for (int i = 0; i < jobs_count; i++)
		pthread_join(jobs[i].thread, NULL);
	report(jobs_count, now_ms() - began);
	pthread_barrier_destroy(&start);
}
