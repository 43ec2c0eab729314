/* MD5 of many streams side by side: eight at a time in the lanes of vector registers, few ones by OpenSSL's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct md5_state {
    uint32_t words[4];
};

/* Up to two runs of whole 64-byte blocks that belong to one stream, in order. */
struct md5_work {
    struct md5_state *state;
    const uint8_t *data[2];
    size_t blocks[2];
};

void md5_start(struct md5_state *state);
/* Carries every stream of the list on; a stream is in it once. */
void md5_run(struct md5_work *works, size_t count);
/* Writes the last, padded blocks of a stream: returns how many (1 or 2). `rest` is under 64 bytes. */
size_t md5_padding(uint8_t out[128], const uint8_t *rest, size_t rest_length, uint64_t total_bytes);
void md5_digest(const struct md5_state *state, uint8_t out[16]);
/* False if the lanes and OpenSSL's code disagree on this machine. */
bool md5_begin(void);
