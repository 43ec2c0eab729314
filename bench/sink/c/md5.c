#define OPENSSL_SUPPRESS_DEPRECATED
#include "md5.h"

#include <math.h>
#include <openssl/md5.h>
#include <string.h>

#define LANES 8
/* With fewer streams than this, the rest in OpenSSL's assembler is faster. */
#define WORTH_LANES 2

typedef uint32_t vector __attribute__((vector_size(4 * LANES)));

static uint32_t sines[64];
static const int rotations[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define STEP(f, a, b, c, d, word, i) (a) = (b) + ROTATE((a) + (f) + (word) + sines[i], rotations[(i) / 16][(i) % 4])

static inline __attribute__((always_inline)) void quarter(vector s[4], const vector w[16], int round) {
#pragma GCC unroll 16
    for (int k = 0; k < 16; k++) {
        int i = 16 * round + k;
        vector a = s[(64 - k) & 3], b = s[(65 - k) & 3], c = s[(66 - k) & 3], d = s[(67 - k) & 3], f;
        int g;
        if (round == 0) f = d ^ (b & (c ^ d)), g = k;
        else if (round == 1) f = c ^ (d & (b ^ c)), g = (5 * k + 1) & 15;
        else if (round == 2) f = b ^ c ^ d, g = (3 * k + 5) & 15;
        else f = c ^ (b | ~d), g = (7 * k) & 15;
        STEP(f, a, b, c, d, w[g], i);
        s[(64 - k) & 3] = a;
    }
}

static void run_lanes(vector state[4], const uint8_t *data[LANES], size_t blocks) {
    for (size_t n = 0; n < blocks; n++) {
        vector w[16];
        for (int i = 0; i < 16; i++)
            for (int lane = 0; lane < LANES; lane++) {
                uint32_t word;
                memcpy(&word, data[lane] + 64 * n + 4 * (size_t)i, 4);
                w[i][lane] = word;
            }
        vector s[4] = {state[0], state[1], state[2], state[3]};
        quarter(s, w, 0), quarter(s, w, 1), quarter(s, w, 2), quarter(s, w, 3);
        for (int i = 0; i < 4; i++) state[i] += s[i];
    }
}

static void run_alone(struct md5_work *work) {
    MD5_CTX context;
    MD5_Init(&context);
    context.A = work->state->words[0], context.B = work->state->words[1];
    context.C = work->state->words[2], context.D = work->state->words[3];
    for (int run = 0; run < 2; run++)
        if (work->blocks[run]) MD5_Update(&context, work->data[run], 64 * work->blocks[run]);
    work->state->words[0] = context.A, work->state->words[1] = context.B;
    work->state->words[2] = context.C, work->state->words[3] = context.D;
}

static void step_over(struct md5_work *work, size_t blocks) {
    work->data[0] += 64 * blocks, work->blocks[0] -= blocks;
    if (work->blocks[0]) return;
    work->data[0] = work->data[1], work->blocks[0] = work->blocks[1], work->blocks[1] = 0;
}

void md5_run(struct md5_work *works, size_t count) {
    struct md5_work *lanes[LANES] = {0};
    vector state[4] = {0};
    size_t next = 0, active = 0;
    for (;;) {
        for (int lane = 0; lane < LANES; lane++) {
            if (lanes[lane] && lanes[lane]->blocks[0]) continue;
            if (lanes[lane]) {
                for (int i = 0; i < 4; i++) lanes[lane]->state->words[i] = state[i][lane];
                lanes[lane] = NULL, active--;
            }
            while (next < count && !works[next].blocks[0]) {
                step_over(&works[next], 0);
                if (!works[next].blocks[0]) next++;
            }
            if (next == count) continue;
            lanes[lane] = &works[next++], active++;
            for (int i = 0; i < 4; i++) state[i][lane] = lanes[lane]->state->words[i];
        }
        if (active < WORTH_LANES) break;
        size_t blocks = SIZE_MAX;
        const uint8_t *data[LANES], *any = NULL;
        for (int lane = 0; lane < LANES; lane++)
            if (lanes[lane]) {
                if (lanes[lane]->blocks[0] < blocks) blocks = lanes[lane]->blocks[0];
                any = lanes[lane]->data[0];
            }
        /* A lane without a stream computes on somebody's readable bytes, for nothing; only the shortest run is safe. */
        for (int lane = 0; lane < LANES; lane++)
            if (lanes[lane] && lanes[lane]->blocks[0] == blocks) any = lanes[lane]->data[0];
        for (int lane = 0; lane < LANES; lane++) data[lane] = lanes[lane] ? lanes[lane]->data[0] : any;
        run_lanes(state, data, blocks);
        for (int lane = 0; lane < LANES; lane++)
            if (lanes[lane]) step_over(lanes[lane], blocks);
    }
    for (int lane = 0; lane < LANES; lane++)
        if (lanes[lane]) {
            for (int i = 0; i < 4; i++) lanes[lane]->state->words[i] = state[i][lane];
            run_alone(lanes[lane]);
        }
}

void md5_start(struct md5_state *state) {
    state->words[0] = 0x67452301, state->words[1] = 0xefcdab89, state->words[2] = 0x98badcfe, state->words[3] = 0x10325476;
}

size_t md5_padding(uint8_t out[128], const uint8_t *rest, size_t rest_length, uint64_t total_bytes) {
    size_t blocks = rest_length < 56 ? 1 : 2;
    memset(out, 0, 64 * blocks);
    memcpy(out, rest, rest_length);
    out[rest_length] = 0x80;
    uint64_t bits = total_bytes * 8;
    memcpy(out + 64 * blocks - 8, &bits, 8);
    return blocks;
}

void md5_digest(const struct md5_state *state, uint8_t out[16]) { memcpy(out, state->words, 16); }

bool md5_begin(void) {
    for (int i = 0; i < 64; i++) sines[i] = (uint32_t)(4294967296.0 * fabs(sin(i + 1)));
    enum { STREAMS = 11, LENGTH = 1500 };
    static uint8_t data[STREAMS][LENGTH], last[STREAMS][128];
    struct md5_state states[STREAMS];
    struct md5_work works[STREAMS];
    for (size_t i = 0; i < STREAMS; i++) {
        size_t length = LENGTH - 130 * i, whole = length / 64;
        for (size_t k = 0; k < length; k++) data[i][k] = (uint8_t)(i * 31 + k * 17);
        md5_start(&states[i]);
        works[i] = (struct md5_work){&states[i], {data[i], last[i]}, {whole, 0}};
        works[i].blocks[1] = md5_padding(last[i], data[i] + 64 * whole, length % 64, length);
    }
    md5_run(works, STREAMS);
    for (size_t i = 0; i < STREAMS; i++) {
        uint8_t expected[16], got[16];
        MD5(data[i], LENGTH - 130 * i, expected);
        md5_digest(&states[i], got);
        if (memcmp(expected, got, 16)) return false;
    }
    return true;
}
