/* Growable text, and the encodings of the wire: base64, percent, XML. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data;
    size_t length, capacity;
};

void text_clear(struct text *text);
void text_free(struct text *text);
void text_room(struct text *text, size_t more);
void text_add(struct text *text, const char *bytes, size_t length);
void text_put(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Escaped for an element's content; the caller has seen to control characters. */
void text_put_xml(struct text *text, const char *bytes, size_t length);
/* Percent-encoded, everything but unreserved characters and the slash. */
void text_put_percent(struct text *text, const char *bytes, size_t length);
void text_put_base64(struct text *text, const uint8_t *bytes, size_t length);
void text_put_hex(struct text *text, const uint8_t *bytes, size_t length);

/* Decodes %XX in place; `plus` also turns '+' into a space. Returns the new length. */
size_t percent_decode(char *bytes, size_t length, bool plus);
/* True if the base64 text is exactly `expected` bytes, written to `out`. */
bool base64_decode(const char *text, size_t length, uint8_t *out, size_t expected);
void *must_alloc(size_t size);
void *must_realloc(void *old, size_t size);
