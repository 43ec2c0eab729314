#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_realloc(void *old, size_t size) {
    void *memory = realloc(old, size);
    if (!memory) {
        fprintf(stderr, "sink: out of memory (%zu bytes)\n", size);
        exit(70);
    }
    return memory;
}

void *must_alloc(size_t size) { return must_realloc(NULL, size); }

void text_clear(struct text *text) { text->length = 0; }

void text_free(struct text *text) {
    free(text->data);
    memset(text, 0, sizeof *text);
}

void text_room(struct text *text, size_t more) {
    if (text->length + more <= text->capacity) return;
    size_t capacity = text->capacity ? text->capacity : 512;
    while (capacity < text->length + more) capacity *= 2;
    text->data = must_realloc(text->data, capacity);
    text->capacity = capacity;
}

void text_add(struct text *text, const char *bytes, size_t length) {
    text_room(text, length + 1);
    if (length) memcpy(text->data + text->length, bytes, length);
    text->length += length;
}

void text_put(struct text *text, const char *string) { text_add(text, string, strlen(string)); }

void text_format(struct text *text, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    text_room(text, 256);
    size_t room = text->capacity - text->length;
    size_t needed = (size_t)vsnprintf(text->data + text->length, room, format, arguments);
    va_end(arguments);
    if (needed >= room) {
        text_room(text, needed + 1);
        vsnprintf(text->data + text->length, needed + 1, format, again);
    }
    va_end(again);
    text->length += needed;
}

void text_put_xml(struct text *text, const char *bytes, size_t length) {
    size_t plain = 0; /* where what needs no escape began */
    for (size_t i = 0; i < length; i++) {
        const char *escape = bytes[i] == '&' ? "&amp;" : bytes[i] == '<' ? "&lt;" : bytes[i] == '>' ? "&gt;" : NULL;
        if (!escape) continue;
        text_add(text, bytes + plain, i - plain);
        text_put(text, escape);
        plain = i + 1;
    }
    text_add(text, bytes + plain, length - plain);
}

static bool unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c);
}

void text_put_percent(struct text *text, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c && unreserved(c)) text_add(text, bytes + i, 1);
        else text_format(text, "%%%02X", c);
    }
}

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_put_base64(struct text *text, const uint8_t *bytes, size_t length) {
    text_room(text, (length + 2) / 3 * 4 + 1);
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        text->data[text->length++] = DIGITS[group >> 18];
        text->data[text->length++] = DIGITS[group >> 12 & 63];
        text->data[text->length++] = left > 1 ? DIGITS[group >> 6 & 63] : '=';
        text->data[text->length++] = left > 2 ? DIGITS[group & 63] : '=';
    }
}

void text_put_hex(struct text *text, const uint8_t *bytes, size_t length) {
    static const char hex[] = "0123456789abcdef";
    text_room(text, length * 2 + 1);
    for (size_t i = 0; i < length; i++) {
        text->data[text->length++] = hex[bytes[i] >> 4];
        text->data[text->length++] = hex[bytes[i] & 15];
    }
}

static int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

size_t percent_decode(char *bytes, size_t length, bool plus) {
    size_t to = 0;
    for (size_t from = 0; from < length; from++) {
        char c = bytes[from];
        if (c == '%' && from + 2 < length && nibble(bytes[from + 1]) >= 0 && nibble(bytes[from + 2]) >= 0) {
            c = (char)(nibble(bytes[from + 1]) << 4 | nibble(bytes[from + 2]));
            from += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        bytes[to++] = c;
    }
    return to;
}

static int sextet(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t length, uint8_t *out, size_t expected) {
    if (length != (expected + 2) / 3 * 4) return false;
    size_t written = 0;
    for (size_t i = 0; i < length; i += 4) {
        uint32_t group = 0;
        int digits = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = sextet(text[i + k]);
            if (value < 0 && text[i + k] != '=') return false;
            digits += value >= 0;
            group = group << 6 | (uint32_t)(value < 0 ? 0 : value);
        }
        for (int k = 0; k < digits - 1 && written < expected; k++) out[written++] = (uint8_t)(group >> (16 - 8 * k));
    }
    return written == expected;
}
