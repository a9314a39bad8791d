/* The kernel under every product, and how it is compiled for several vector widths. Layer-private;
 * include only where a loop around the kernel is specialised. */
#ifndef QN_LEARN_LINALG_KERNEL_H
#define QN_LEARN_LINALG_KERNEL_H

#include <stddef.h>

/* 8 doubles: one register of AVX-512, two of AVX2, four of SSE2 or NEON. */
typedef double qn__vector __attribute__((vector_size(64), aligned(8), may_alias));

#define QN__INLINE static inline __attribute__((always_inline))

/* Defines NAME_plain, NAME_avx2 and NAME_avx512 from an always-inline NAME_body, and NAME, which
 * picks one. None of them may contract a * b + c, so that all give the same bits. */
#if defined(__x86_64__)
#define QN__DISPATCH(name, parameters, arguments)                                                  \
    static void name##_plain parameters                                                            \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    __attribute__((target("avx2"))) static void name##_avx2 parameters                             \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    __attribute__((target("avx512f"))) static void name##_avx512 parameters                        \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    static void name parameters                                                                    \
    {                                                                                              \
        if (__builtin_cpu_supports("avx512f"))                                                     \
            name##_avx512 arguments;                                                               \
        else if (__builtin_cpu_supports("avx2"))                                                   \
            name##_avx2 arguments;                                                                 \
        else                                                                                       \
            name##_plain arguments;                                                                \
    }
#else
#define QN__DISPATCH(name, parameters, arguments)                                                  \
    static void name parameters                                                                    \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }
#endif

/* out[i] = sum_t a[t * 8 + i] * b[t * 8 .. + 8), for i in [0, 4). */
QN__INLINE void qn__kernel(size_t depth, const double *a, const double *b, qn__vector out[4])
{
    qn__vector c0 = {0}, c1 = {0}, c2 = {0}, c3 = {0};
    for (size_t t = 0; t < depth; t++, a += 8, b += 8) {
        qn__vector right = *(const qn__vector *)b;
        c0 += a[0] * right;
        c1 += a[1] * right;
        c2 += a[2] * right;
        c3 += a[3] * right;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

#endif
