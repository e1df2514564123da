/* What a block does between its products in training, both ways: norms, gates, the turns of queries and keys. Each is one
   pass over memory. On the way forward numbers are rounded to bf16 where PyTorch's path rounds; on the way back only
   what is written is. Sums have the same order whatever the number of threads. */

#include "numbers.h"

#define PIECE 4096

/* y = w x / sqrt(mean(x^2) + eps) for rows of n, and their scales [rows] */
void norm_forward(const bf16 *x, int64_t rows, int64_t n, const bf16 *w, float eps, int64_t threads, bf16 *y,
                  float *scales) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t row = 0; row < rows; row++) scales[row] = normalise(x + row * n, n, w, eps, y + row * n);
}

/* dx; and, unless it is NULL, dw as a sum of every `together` rows [rows / together, n], for its caller to add up */
void norm_backward(const bf16 *x, const bf16 *dy, int64_t rows, int64_t n, const bf16 *w, const float *scales,
                   int64_t together, int64_t threads, bf16 *dx, float *dw) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t begin = 0; begin < rows; begin += together) {
        float *sums = dw ? dw + begin / together * n : NULL;
        if (sums) memset(sums, 0, n * sizeof(float));
        for (int64_t row = begin; row < rows && row < begin + together; row++) {
            const bf16 *a = x + row * n, *g = dy + row * n;
            floats along = {0}; /* of the gradient, along x */
            for (int64_t i = 0; i < n; i += LANES) along += load(g + i) * load(w + i) * load(a + i);
            float scale = scales[row], back = total(along) * scale * scale / (float)n;
            for (int64_t i = 0; i < n; i += LANES) {
                floats normed = load(a + i) * scale;
                save(dx + row * n + i, (load(g + i) * load(w + i) - load(a + i) * back) * scale);
                if (sums) *(floats *)(sums + i) += load(g + i) * rounded(normed);
            }
        }
    }
}

ALWAYS floats sigmoid(floats x) { return either(x < -87.0f, all(0.0f), 1.0f / (1.0f + exponential(-x))); }

/* y = silu(gate) up, for `count` numbers */
void gate_forward(const bf16 *gate, const bf16 *up, int64_t count, int64_t threads, bf16 *y) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t begin = 0; begin < count; begin += PIECE)
        for (int64_t i = begin; i < count && i < begin + PIECE; i += LANES) {
            floats a = load(gate + i);
            save(y + i, rounded(a * sigmoid(a)) * load(up + i));
        }
}

void gate_backward(const bf16 *gate, const bf16 *up, const bf16 *dy, int64_t count, int64_t threads, bf16 *dgate,
                   bf16 *dup) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t begin = 0; begin < count; begin += PIECE)
        for (int64_t i = begin; i < count && i < begin + PIECE; i += LANES) {
            floats a = load(gate + i), g = load(dy + i), share = sigmoid(a);
            save(dup + i, g * a * share);
            save(dgate + i, g * load(up + i) * share * (1.0f + a * (1.0f - share)));
        }
}

/* y = x cos + swapped(x) sin for heads [tokens, heads, w] and turns [tokens, w] */
void turn_forward(const bf16 *x, const bf16 *cosines, const bf16 *sines, int64_t tokens, int64_t heads, int64_t w,
                  int64_t threads, bf16 *y) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t at = 0; at < tokens * heads; at++) {
        const bf16 *c = cosines + at / heads * w, *s = sines + at / heads * w, *a = x + at * w, *b = a + w / 2;
        for (int64_t i = 0, j = w / 2; i < w / 2; i += LANES, j += LANES) {
            save(y + at * w + i, rounded(load(a + i) * load(c + i)) + rounded(load(b + i) * load(s + i)));
            save(y + at * w + j, rounded(load(b + i) * load(c + j)) + rounded(load(a + i) * load(s + j)));
        }
    }
}

void turn_backward(const bf16 *dy, const bf16 *cosines, const bf16 *sines, int64_t tokens, int64_t heads, int64_t w,
                   int64_t threads, bf16 *dx) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t at = 0; at < tokens * heads; at++) {
        const bf16 *c = cosines + at / heads * w, *s = sines + at / heads * w, *a = dy + at * w, *b = a + w / 2;
        for (int64_t i = 0, j = w / 2; i < w / 2; i += LANES, j += LANES) {
            save(dx + at * w + i, load(a + i) * load(c + i) + load(b + i) * load(s + j));
            save(dx + at * w + j, load(b + i) * load(c + j) + load(a + i) * load(s + i));
        }
    }
}
