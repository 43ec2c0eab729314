#include "crc64.h"

#include <immintrin.h>
#include <string.h>

/* Folding as in Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ" (Intel, 2009), in the
 * reflected form: eight 128-bit accumulators over 128 bytes, then one over 16, then the plain table. */

#define POLYNOMIAL 0x9A6C9329AC4BC9B5ULL
#define STRIDE 8

static uint64_t table[8][256];
static uint64_t fold_far[2], fold_near[2];

/* x^n mod P, reflected (bit 63 is x^0). */
static uint64_t power_of_x(unsigned n) {
    uint64_t value = 1ULL << 63;
    while (n--) value = (value >> 1) ^ (value & 1 ? POLYNOMIAL : 0);
    return value;
}

static uint64_t plain(uint64_t crc, const uint8_t *bytes, size_t length) {
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        word ^= crc;
        crc = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^ table[4][word >> 24 & 255] ^
              table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^ table[1][word >> 48 & 255] ^ table[0][word >> 56];
    }
    while (length--) crc = table[0][(crc ^ *bytes++) & 255] ^ crc >> 8;
    return crc;
}

__attribute__((target("pclmul,sse4.1"))) static __m128i fold(__m128i value, __m128i constants, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(value, constants, 0x00);
    __m128i high = _mm_clmulepi64_si128(value, constants, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) static uint64_t folded(uint64_t crc, const uint8_t *bytes, size_t length) {
    const __m128i far = _mm_set_epi64x((long long)fold_far[1], (long long)fold_far[0]);
    const __m128i near = _mm_set_epi64x((long long)fold_near[1], (long long)fold_near[0]);
    __m128i lanes[STRIDE];
    for (int i = 0; i < STRIDE; i++) lanes[i] = _mm_loadu_si128((const __m128i *)bytes + i);
    lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi64_si128((long long)crc));
    bytes += 16 * STRIDE, length -= 16 * STRIDE;
    for (; length >= 16 * STRIDE; bytes += 16 * STRIDE, length -= 16 * STRIDE)
        for (int i = 0; i < STRIDE; i++) lanes[i] = fold(lanes[i], far, _mm_loadu_si128((const __m128i *)bytes + i));
    __m128i value = lanes[0];
    for (int i = 1; i < STRIDE; i++) value = fold(value, near, lanes[i]);
    for (; length >= 16; bytes += 16, length -= 16) value = fold(value, near, _mm_loadu_si128((const __m128i *)bytes));
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)rest, value);
    return plain(plain(0, rest, 16), bytes, length);
}

uint64_t crc64(uint64_t before, const uint8_t *bytes, size_t length) {
    uint64_t crc = ~before;
    return ~(length >= 16 * STRIDE ? folded(crc, bytes, length) : plain(crc, bytes, length));
}

bool crc64_begin(void) {
    for (int i = 0; i < 256; i++) {
        uint64_t value = (uint64_t)i;
        for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? POLYNOMIAL : 0);
        table[0][i] = value;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++) table[k][i] = table[0][table[k - 1][i] & 255] ^ table[k - 1][i] >> 8;
    /* The low half of a reflected 128-bit value is the more significant one, and a carry-less product of two
     * reflected 64-bit values is one bit short: hence distance + 64 - 1 and distance - 1. */
    fold_far[0] = power_of_x(128 * STRIDE + 64 - 1), fold_far[1] = power_of_x(128 * STRIDE - 1);
    fold_near[0] = power_of_x(128 + 64 - 1), fold_near[1] = power_of_x(128 - 1);
    uint8_t sample[1000];
    for (size_t i = 0; i < sizeof sample; i++) sample[i] = (uint8_t)(i * 131 + 7);
    if (~plain(~0ULL, (const uint8_t *)"123456789", 9) != 0xAE8B14860A799888ULL) return false;
    return crc64(0, sample, sizeof sample) == ~plain(~0ULL, sample, sizeof sample) &&
           crc64(crc64(0, sample, 300), sample + 300, sizeof sample - 300) == ~plain(~0ULL, sample, sizeof sample);
}
