/* One answer to the host: a line of JSON, built up and then written as a whole. */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* What begins each line that is meant for the host's programs. */
#define MARK "gpuvm-guest: "

void reply_begin(void);
void reply_number(const char *key, long long value);
void reply_bool(const char *key, bool value);
/* Bytes above 127 are given as the characters of the same number. */
void reply_text(const char *key, const char *text, size_t length);
void reply_string(const char *key, const char *text);
/* "ok": false with what errno says, and what was tried. */
void reply_failure(const char *what);
void reply_end(int fd);

#endif
