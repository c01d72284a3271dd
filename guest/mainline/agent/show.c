#define _GNU_SOURCE
#include "show.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PWMS "/sys/class/pwm"
#define CLOCKS "/sys/kernel/debug/clk"
#define ZONES "/sys/class/thermal"
#define DOMAINS "/sys/kernel/debug/pm_genpd"

/* The first line of a file, without its end; empty where it cannot be read. */
static const char *line_of(const char *folder, const char *name, const char *file)
{
	static char text[256];
	char path[512];
	FILE *from;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
	from = fopen(path, "re");
	if (!from || !fgets(text, sizeof(text), from))
		text[0] = '\0';
	if (from)
		fclose(from);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int put(const char *name, const char *file, const char *text)
{
	char path[512];
	FILE *into;

	snprintf(path, sizeof(path), PWMS "/%s/%s", name, file);
	into = fopen(path, "we");
	if (!into)
		return -1;
	fputs(text, into);
	return fclose(into);
}

static void each(const char *folder, void (*act)(const char *name))
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, versionsort);

	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			act(entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* The driver enables the clock, asks for a rate that suits the period, and disables it again. */
static void start_pwm(const char *name)
{
	int failed = put(name, "export", "0") || put(name, "pwm0/period", "1000000") ||
		     put(name, "pwm0/duty_cycle", "250000") || put(name, "pwm0/enable", "1");

	printf("  %-16s %s\n", name, failed ? "cannot be started" : "1 kHz, a quarter of the time on");
}

static void stop_pwm(const char *name)
{
	put(name, "pwm0/enable", "0");
}

static void show_clock(const char *name)
{
	const char *rate = line_of(CLOCKS, name, "clk_rate");
	char copy[32];

	if (rate[0] == '\0')
		return;
	snprintf(copy, sizeof(copy), "%s", rate);
	printf("  %-16s %12s Hz   enabled %s times\n", name, copy, line_of(CLOCKS, name, "clk_enable_count"));
}

static void show_domain(const char *name)
{
	const char *state = line_of(DOMAINS, name, "current_state");

	if (state[0] != '\0')
		printf("  %-16s %s\n", name, state);
}

static void show_zone(const char *name)
{
	char type[64];
	const char *temperature;

	snprintf(type, sizeof(type), "%s", line_of(ZONES, name, "type"));
	temperature = line_of(ZONES, name, "temp");
	if (temperature[0] != '\0')
		printf("  %-16s %.1f degrees\n", type, atoi(temperature) / 1000.0);
	else
		printf("  %-16s its part is off\n", type);
}

void show(void)
{
	puts("\nPulses from the PWMs:");
	each(PWMS, start_pwm);
	puts("Clocks that this guest has:");
	each(CLOCKS, show_clock);
	puts("Power domains:");
	each(DOMAINS, show_domain);
	puts("Temperatures:");
	each(ZONES, show_zone);
	each(PWMS, stop_pwm);
	puts("");
	fflush(stdout);
}
