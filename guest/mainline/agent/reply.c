#include "reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *line;
static size_t used, room;

static void add(const char *bytes, size_t length)
{
	if (used + length > room) {
		room = 2 * (used + length);
		line = realloc(line, room);
		if (!line)
			abort();
	}
	memcpy(line + used, bytes, length);
	used += length;
}

static void __attribute__((format(printf, 1, 2))) add_format(const char *format, ...)
{
	char text[64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	add(text, strlen(text));
}

static void add_key(const char *key)
{
	if (line[used - 1] != '{')
		add(",", 1);
	add("\"", 1);
	add(key, strlen(key));
	add("\":", 2);
}

void reply_begin(void)
{
	used = 0;
	add(MARK "{", strlen(MARK "{"));
}

void reply_number(const char *key, long long value)
{
	add_key(key);
	add_format("%lld", value);
}

void reply_bool(const char *key, bool value)
{
	add_key(key);
	add_format("%s", value ? "true" : "false");
}

void reply_text(const char *key, const char *text, size_t length)
{
	add_key(key);
	add("\"", 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = text[i];

		if (c == '"' || c == '\\')
			add_format("\\%c", c);
		else if (c < ' ' || c > '~')
			add_format("\\u%04x", c);
		else
			add(text + i, 1);
	}
	add("\"", 1);
}

void reply_string(const char *key, const char *text)
{
	reply_text(key, text, strlen(text));
}

void reply_failure(const char *what)
{
	int number = errno;

	reply_bool("ok", false);
	reply_number("errno", number);
	reply_string("message", strerror(number));
	reply_string("what", what);
}

void reply_end(int fd)
{
	add("}\n", 2);
	for (size_t at = 0; at < used;) {
		ssize_t written = write(fd, line + at, used - at);

		if (written < 0 && errno != EINTR)
			abort();
		if (written > 0)
			at += written;
	}
}
