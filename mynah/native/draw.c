/* The draw of a token from each row's logits, by Gumbel argmax, and its log-probability.

   Noise and result are those of engine/sampler.py, which says how a draw is a function of seed, sequence and position. */

#include "numbers.h"

#define GOLDEN 0x9E3779B97F4A7C15ull

ALWAYS floats some(const bf16 *x, int64_t first, int64_t count) { /* 16 of `count` numbers, -inf behind them */
    if (first + LANES <= count) return load(x + first);
    bf16 last[LANES];
    for (int i = 0; i < LANES; i++) last[i] = first + i < count ? x[first + i] : 0xff80;
    return load(last);
}

typedef uint64_t longs __attribute__((vector_size(8 * LANES)));

ALWAYS longs mix(longs x) { /* splitmix64's finaliser */
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

ALWAYS floats uniforms(uint64_t key, uint64_t token) { /* of 16 tokens, between 0 and 1; sampler.py says why so */
    longs counters;
    for (int i = 0; i < LANES; i++) counters[i] = key + (token + i) * GOLDEN;
    pairs bits = __builtin_convertvector(mix(counters) >> 32, pairs);
    floats uniform = (__builtin_convertvector(bits, floats) + 0.5f) * 0x1p-32f;
    return either(uniform > 1 - 0x1p-24f, all(1 - 0x1p-24f), uniform);
}

ALWAYS floats gumbel(floats uniform) {
    floats rest = 1.0f - uniform; /* -ln(1 - u) after Kahan: what rounding 1 - u did is undone */
    return -logarithm(either(rest == 1.0f, uniform, -logarithm(rest) * uniform / (1.0f - rest)));
}

ALWAYS uint64_t key_of(uint64_t seed, uint64_t sequence, uint64_t position) { /* sampler.py's row_keys */
    uint64_t key = mix((longs){seed * GOLDEN})[0];
    return mix((longs){mix((longs){key + sequence * GOLDEN})[0] + position * GOLDEN})[0];
}

/* One token a row by Gumbel argmax, and its log p at the row's temperature; temperature 0: the first most likely.
   `counters` [3, rows]: seeds, sequences and positions, of which a draw is a function.

   Noise is at most -ln u, so a token can only win over the best so far if u < e^(logit - best): few need their noise.
   (mass is that at least, and reach its other half at least, so no winner is passed over.) */
void draw(const bf16 *logits, int64_t rows, int64_t vocab, const int64_t *counters, const float *temperatures,
          int64_t threads, int64_t *tokens, float *logprobs) {
    const uint64_t *seeds = (const uint64_t *)counters, *sequences = seeds + rows, *positions = sequences + rows;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t row = 0; row < rows; row++) {
        const bf16 *x = logits + row * vocab;
        float cold = temperatures[row] == 0, warmth = cold ? 1.0f : temperatures[row], best = -INFINITY, reach = INFINITY;
        int64_t winner = 0;
        uint64_t key = key_of(seeds[row], sequences[row], positions[row]);
        floats sums = {0}, most = all(-INFINITY);
        for (int64_t first = 0; first < vocab; first += LANES) {
            floats logit = some(x, first, vocab) / warmth;
            most = either(logit > most, logit, most);
        }
        most = all(largest(most));
        for (int64_t first = 0; first < vocab; first += LANES) {
            floats logit = some(x, first, vocab) / warmth, score = logit;
            floats mass = either(logit == -INFINITY, (floats){0}, exponential(logit - most));
            sums += mass;
            if (!cold) {
                floats uniform = uniforms(key, (uint64_t)first);
                if (!any(uniform < mass * reach)) continue;
                score += gumbel(uniform);
            }
            float peak = largest(score);
            if (peak <= best) continue;
            for (int i = LANES; i--;)
                if (score[i] == peak) best = peak, winner = first + i;
            reach = exponential(most - best)[0] * 1.0001f; /* e^(most - best), and a little for what is rounded */
        }
        tokens[row] = winner;
        logprobs[row] = wide(x[winner]) / warmth - most[0] - logarithm(all(total(sums)))[0];
    }
}
