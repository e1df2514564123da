/* Numbers in bf16, and vectors of sixteen, as all C files use them.

   For processors with AVX512-BF16 (Intel's servers since Cooper Lake, AMD's since Zen 4). Vectors are those of GCC and
   clang, but for what only the processor has. */

#ifndef __AVX512BF16__
#error "needs AVX512-BF16"
#endif

#include <immintrin.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define ALWAYS static inline __attribute__((always_inline))

typedef uint16_t bf16;
typedef float floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint16_t halves __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
typedef uint32_t pairs __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

ALWAYS float wide(bf16 x) {
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

ALWAYS floats load(const bf16 *x) { return (floats)(__builtin_convertvector(*(const halves *)x, pairs) << 16); }

ALWAYS pairs nearest(floats x) { /* bf16, ties to even, in the upper halves */
    pairs bits = (pairs)x;
    return (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
}

ALWAYS floats rounded(floats x) { return (floats)nearest(x); }

ALWAYS void save(bf16 *y, floats x) { *(halves *)y = __builtin_convertvector(nearest(x) >> 16, halves); }

ALWAYS floats even(pairs p) { return (floats)(p << 16); }
ALWAYS floats odd(pairs p) { return (floats)(p & 0xffff0000u); }

ALWAYS floats all(float x) { return (floats){0} + x; }

ALWAYS floats either(ints which, floats a, floats b) { return (floats)((which & (ints)a) | (~which & (ints)b)); }

ALWAYS float total(floats v) {
    return _mm512_reduce_add_ps((__m512)v);
}

#ifdef __clang__
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (ints){__VA_ARGS__})
#endif
/* Of two vectors of partial sums, in which a lane's partner is 8, 4, 2 or 1 lanes away: both added up in one. */
#define FOLD8(a, b) (PICK(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) + \
                     PICK(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define FOLD4(a, b) (PICK(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) + \
                     PICK(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
#define FOLD2(a, b) (PICK(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) + \
                     PICK(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
#define FOLD1(a, b) (PICK(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) + \
                     PICK(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))

ALWAYS floats totals(floats *v) { /* of 16 vectors the sums, side by side */
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) v[i] = FOLD8(v[i], v[i + 8]);
#pragma GCC unroll 8
    for (int i = 0; i < 4; i++) v[i] = FOLD4(v[i], v[i + 4]);
    for (int i = 0; i < 2; i++) v[i] = FOLD2(v[i], v[i + 2]);
    return FOLD1(v[0], v[1]);
}

ALWAYS int any(ints v) {
    return _mm512_test_epi32_mask((__m512i)v, (__m512i)v) != 0;
}

ALWAYS float largest(floats v) {
    float most = v[0];
    for (int i = 1; i < LANES; i++) most = v[i] > most ? v[i] : most;
    return most;
}

/* e^x and ln x by the polynomials of Cephes (Moshier), within 2 units of the last place; e^x no less than e^-87.3. */
ALWAYS floats exponential(floats x) { /* what is no number stays none: the second operand is kept */
    x = (floats)_mm512_min_ps((__m512)all(88.3f), _mm512_max_ps((__m512)all(-87.3f), (__m512)x));
    floats n = (floats)_mm512_roundscale_ps((__m512)(x * 1.44269504088896341f), _MM_FROUND_TO_NEAREST_INT);
    floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
    floats y = r * 1.9875691500e-4f + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    return (floats)_mm512_scalef_ps((__m512)y, (__m512)n);
}

ALWAYS floats logarithm(floats x) { /* of positive normal numbers */
    ints e = ((ints)x >> 23) - 126;
    floats m = (floats)(((ints)x & 0x007fffff) | 0x3f000000); /* x = m 2^e, m in [1/2, 1) */
    ints small = m < 0.707106781186547524f;                    /* -1 where true */
    e += small;
    m = either(small, m + m, m) - 1.0f;
    floats z = m * m, y = m * 7.0376836292e-2f - 1.1514610310e-1f;
    y = y * m + 1.1676998740e-1f;
    y = y * m - 1.2420140846e-1f;
    y = y * m + 1.4249322787e-1f;
    y = y * m - 1.6668057665e-1f;
    y = y * m + 2.0000714765e-1f;
    y = y * m - 2.4999993993e-1f;
    y = y * m + 3.3333331174e-1f;
    floats power = __builtin_convertvector(e, floats);
    y = y * m * z + power * -2.12194440e-4f - 0.5f * z;
    return m + y + power * 0.693359375f;
}

/* sum + w x for 16 pairs w and one pair x for all. */
ALWAYS floats times(floats sum, __m512bh weights, const bf16 *x) {
    int32_t two;
    memcpy(&two, x, 4);
    return (floats)_mm512_dpbf16_ps((__m512)sum, weights, (__m512bh)_mm512_set1_epi32(two));
}

ALWAYS floats multiply(floats sum, const bf16 *weights, const bf16 *x) {
    return times(sum, (__m512bh)_mm512_loadu_si512(weights), x);
}

/* x / sqrt(mean(x^2) + eps), rounded, times the weights; returns the scale. */
ALWAYS float normalise(const bf16 *x, int64_t n, const bf16 *weight, float eps, bf16 *y) {
    floats squares = {0};
    for (int64_t i = 0; i < n; i += LANES) squares += load(x + i) * load(x + i);
    float scale = 1.0f / sqrtf(total(squares) / (float)n + eps);
    for (int64_t i = 0; i < n; i += LANES) save(y + i, rounded(load(x + i) * scale) * load(weight + i));
    return scale;
}
