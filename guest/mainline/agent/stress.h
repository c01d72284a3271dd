/* Many transfers at once, each answer checked. */
#ifndef STRESS_H
#define STRESS_H

/*
 * Makes `count` transfers in all with one thread for each job, the threads spread over the CPUs, and replies with how
 * many there were, how many failed, how many answers were wrong, and how long it took. A job is
 *	read=PATH		reads a file that has the driver ask anew each time; must hold what it held at the start
 *	i2c=PATH,ADDRESS	reads registers, another each time, of a device whose register n holds 0xa0 ^ n
 */
void stress(long count, char *const *jobs, int jobs_count);

#endif
