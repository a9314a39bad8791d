/* Each allocation of k-means, its reading and prediction, and of the silhouette fails in turn: the
 * result is QN_NOMEM, and nothing leaks. */
#include "learn/kmeans.h"

#include "numeric_data.h"

static int fail_at, seen, alive;

void *__real_qn_realloc_bytes(void *block, size_t size_bytes);

void *__wrap_qn_realloc_bytes(void *block, size_t size_bytes)
{
    if (size_bytes > 0 && ++seen == fail_at)
        return NULL;
    void *out = __real_qn_realloc_bytes(block, size_bytes);
    alive += (out && !block) - (block && size_bytes == 0);
    return out;
}

static enum qn_status run(const struct qn_fit *fit, const double *start, struct qn_error *err)
{
    const struct qn_features *features = fit->features;
    void *model = NULL, *copy = NULL;
    struct qn_kmeans *from = NULL;
    struct qn_buffer buffer;
    struct qn_reader reader;
    double *out = test_alloc(features->row_count * sizeof(double)), silhouette = 0;
    int32_t *labels = test_alloc(features->row_count * sizeof(int32_t));
    qn_buffer_init(&buffer, 1 << 24);
    enum qn_status status = qn_kmeans_learner.fit(fit, &model, err);
    if (status == QN_OK)
        status = qn_kmeans_fit_from(fit, start, &from, err);
    if (status == QN_OK) {
        qn_kmeans_learner.write(model, &buffer);
        status = qn_buffer_check(&buffer, "model", err);
    }
    if (status == QN_OK) {
        qn_reader_init(&reader, buffer.bytes, buffer.size);
        status = qn_kmeans_learner.read(&reader, &copy, err);
    }
    if (status == QN_OK)
        status = qn_kmeans_learner.predict(copy, features, NULL, out, err);
    for (size_t i = 0; i < features->row_count; i++)
        labels[i] = (int32_t)out[i];
    if (status == QN_OK)
        status = qn_silhouette(features, labels, 3, 40, 1, NULL, &silhouette, err);
    qn_buffer_release(&buffer);
    qn_kmeans_free(from);
    qn_kmeans_learner.free(model);
    qn_kmeans_learner.free(copy);
    free(labels);
    free(out);
    return status;
}

static void test_kmeans(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(90, 2, 2, 83);
    struct qn_kmeans_options options = {
        .n_clusters = 3, .n_init = 2, .max_iter = 20, .tol = 1e-4, .init = 0};
    struct qn_fit fit = {&data.features, NULL, &options, 1, NULL, NULL};
    static const double start[6] = {0, 1, 2, 1, 1e9, 1e9}; /* the last cluster is empty */
    for (options.init = 0; options.init < 2; options.init++) {
        struct qn_error err = QN_ERROR_INIT;
        fail_at = seen = alive = 0;
        assert_int_equal(run(&fit, start, &err), QN_OK);
        assert_int_equal(alive, 0);
        int total = seen;
        assert_true(total > 20);
        for (int at = 1; at <= total; at++) {
            err = (struct qn_error)QN_ERROR_INIT;
            fail_at = at;
            seen = 0;
            assert_int_equal(run(&fit, start, &err), QN_NOMEM);
            assert_int_equal(err.status, QN_NOMEM);
            assert_int_equal(alive, 0);
        }
    }
    numeric_data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kmeans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
