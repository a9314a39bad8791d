#include "learn/kmeans_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct qn_kmeans *qn__kmeans_create(size_t cluster_count, size_t feature_count)
{
    struct qn_kmeans *model = QN_CALLOC(struct qn_kmeans, 1);
    if (!model)
        return NULL;
    model->cluster_count = cluster_count;
    model->feature_count = feature_count;
    model->centres = QN_CALLOC(double, cluster_count *feature_count);
    model->sizes = QN_CALLOC(size_t, cluster_count);
    if (!model->centres || !model->sizes) {
        qn_kmeans_free(model);
        return NULL;
    }
    return model;
}

void qn_kmeans_free(struct qn_kmeans *model)
{
    if (!model)
        return;
    qn_free(model->centres);
    qn_free(model->sizes);
    qn_free(model);
}

struct predict_job {
    const struct qn__points *points;
    const struct qn__centres *centres;
    double *scratch; /* thread x block */
    double *out;
    bool *bad; /* group: a row's norm was not finite */
};

static void predict_task(void *context, size_t group, unsigned thread)
{
    const struct predict_job *job = context;
    size_t p = job->points->p, first, end;
    double *panels = job->scratch + thread * QN__BLOCK_ROWS * p;
    qn__points_group(job->points, group, &first, &end);
    for (size_t block = first; block < end; block++) {
        size_t rows = qn__points_pack(job->points, block, panels);
        double *out = job->out + block * QN__BLOCK_ROWS;
        struct qn__nearest nearest = {0};
        for (size_t i = 0; i < rows; i++) {
            if (i % QN__PANEL == 0)
                qn__centres_nearest(job->centres, panels + i * p, &nearest);
            out[i] = nearest.label[i % QN__PANEL];
            if (!isfinite(nearest.norm[i % QN__PANEL]))
                job->bad[group] = true;
        }
    }
}

enum qn_status qn__kmeans_predict(const void *model, const struct qn_features *features,
                                  struct qn_pool *pool, double *out, struct qn_error *err)
{
    const struct qn_kmeans *kmeans = model;
    size_t k = kmeans->cluster_count, p = kmeans->feature_count;
    struct qn__centres centres = {0};
    struct qn__points points;
    struct predict_job job = {.points = &points, .centres = &centres, .out = out};
    enum qn_status status = qn__features_check(features, true, "kmeans", err);
    if (status != QN_OK)
        return status;
    assert(features->feature_count == p);
    double *shift = QN_CALLOC(double, p), *moved = QN_ALLOC(double, k *p);
    if (!shift || !moved) {
        status = qn_fail_nomem(err, "prediction");
        goto done;
    }
    qn__points_init(&points, features, shift, 1, pool);
    job.scratch = QN_ALLOC(double, qn_pool_threads(pool) * QN__BLOCK_ROWS * p);
    job.bad = QN_CALLOC(bool, points.group_count);
    status = job.scratch && job.bad ? qn__centres_init(&centres, k, p, err)
                                    : qn_fail_nomem(err, "prediction");
    if (status != QN_OK)
        goto done;
    for (size_t c = 0; c < k; c++) /* the middle of the centres: nothing large is squared */
        qn__axpy(1.0 / (double)k, kmeans->centres + c * p, 0.0, shift, p);
    for (size_t i = 0; i < k * p; i++)
        moved[i] = kmeans->centres[i] - shift[i % p];
    qn__centres_set(&centres, moved, k);
    qn_pool_run(pool, points.group_count, predict_task, &job);
    for (size_t group = 0; group < points.group_count && status == QN_OK; group++) {
        if (!job.bad[group])
            continue;
        status = qn__features_check(features, false, "kmeans", err);
        if (status == QN_OK)
            status = qn_fail(err, QN_INVALID, "kmeans: the values of a row are too large");
    }
done:
    qn__centres_release(&centres);
    qn_free(job.bad);
    qn_free(job.scratch);
    qn_free(moved);
    qn_free(shift);
    return status;
}

json_t *qn__kmeans_describe(const void *model, const char *const *names)
{
    const struct qn_kmeans *kmeans = model;
    bool failed = false;
    json_t *object = json_object(), *clusters = json_array();
    qn_json_set(object, "inertia", qn_json_number(kmeans->inertia), &failed);
    qn_json_set(object, "iterations", json_integer(kmeans->iterations), &failed);
    qn_json_set(object, "converged", json_boolean(kmeans->converged), &failed);
    for (size_t c = 0; c < kmeans->cluster_count; c++) {
        json_t *cluster = json_object(), *centre = json_object();
        for (size_t j = 0; j < kmeans->feature_count; j++)
            qn_json_set(centre, names[j],
                        qn_json_number(kmeans->centres[c * kmeans->feature_count + j]), &failed);
        qn_json_set(cluster, "cluster", json_integer((json_int_t)c), &failed);
        qn_json_set(cluster, "size", json_integer((json_int_t)kmeans->sizes[c]), &failed);
        qn_json_set(cluster, "centre", centre, &failed);
        qn_json_add(clusters, cluster, &failed);
    }
    qn_json_set(object, "clusters", clusters, &failed);
    if (failed || !object) {
        json_decref(object);
        return NULL;
    }
    return object;
}

void qn__kmeans_write(const void *model, struct qn_buffer *buffer)
{
    const struct qn_kmeans *kmeans = model;
    qn_buffer_u64(buffer, kmeans->cluster_count);
    qn_buffer_u64(buffer, kmeans->feature_count);
    qn_buffer_f64(buffer, kmeans->inertia);
    qn_buffer_u64(buffer, (uint64_t)kmeans->iterations);
    qn_buffer_u8(buffer, kmeans->converged);
    for (size_t c = 0; c < kmeans->cluster_count; c++)
        qn_buffer_u64(buffer, kmeans->sizes[c]);
    for (size_t i = 0; i < kmeans->cluster_count * kmeans->feature_count; i++)
        qn_buffer_f64(buffer, kmeans->centres[i]);
}

enum qn_status qn__kmeans_read(struct qn_reader *reader, void **out, struct qn_error *err)
{
    uint64_t k = qn_reader_u64(reader), p = qn_reader_u64(reader);
    double inertia = qn_reader_f64(reader);
    uint64_t iterations = qn_reader_u64(reader);
    uint8_t converged = qn_reader_u8(reader);
    bool wrong = reader->failed || k == 0 || p == 0 || k > INT32_MAX || p > INT32_MAX ||
                 iterations > INT64_MAX || converged > 1 || !(inertia >= 0);
    if (wrong || k * (p + 1) > qn_reader_left(reader) / sizeof(double))
        return qn_fail(err, QN_CORRUPT, "kmeans: damaged (sizes do not fit)");
    struct qn_kmeans *model = qn__kmeans_create((size_t)k, (size_t)p);
    if (!model)
        return qn_fail_nomem(err, "kmeans");
    model->inertia = inertia;
    model->iterations = (int64_t)iterations;
    model->converged = converged;
    for (size_t c = 0; c < k; c++)
        model->sizes[c] = (size_t)qn_reader_u64(reader);
    for (size_t i = 0; i < k * p; i++) {
        model->centres[i] = qn_reader_f64(reader);
        if (!isfinite(model->centres[i])) {
            qn_kmeans_free(model);
            return qn_fail(err, QN_CORRUPT, "kmeans: damaged (a centre is not finite)");
        }
    }
    *out = model;
    return QN_OK;
}
