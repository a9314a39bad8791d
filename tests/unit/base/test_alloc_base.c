/* Every allocation of this layer fails in turn. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/thread.h"
#include "support/fail_alloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum qn_status use_alloc(void)
{
    enum qn_status status = QN_NOMEM;
    size_t capacity = 0;
    int *items = NULL;
    char *zeros = qn_calloc(3, 5), *text = qn_strdup("text"), *cut = qn_strndup("text", 2);
    if (!zeros || !text || !cut)
        goto done;
    for (size_t i = 1; i < 100; i++) {
        if (qn_grow((void **)&items, &capacity, i, sizeof(*items)) != 0)
            goto done;
    }
    status = QN_OK;
done:
    qn_free(items);
    qn_free(zeros);
    qn_free(text);
    qn_free(cut);
    return status;
}

static enum qn_status use_arena(void)
{
    struct qn_arena arena = QN_ARENA_INIT;
    enum qn_status status = QN_OK;
    for (size_t i = 0; i < 40 && status == QN_OK; i++) {
        if (!qn_arena_alloc(&arena, i, 100) || !qn_arena_strdup(&arena, "some text"))
            status = QN_NOMEM;
    }
    if (status == QN_OK && !qn_arena_alloc(&arena, 1, 5 << 20))
        status = QN_NOMEM;
    qn_arena_release(&arena);
    return status;
}

static enum qn_status use_buffer(void)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_buffer buffer;
    struct qn_reader reader;
    qn_buffer_init(&buffer, 1 << 20);
    qn_buffer_string(&buffer, "name");
    for (int i = 0; i < 200; i++)
        qn_buffer_format(&buffer, "%d,", i);
    enum qn_status status = qn_buffer_check(&buffer, "list", &err);
    if (status == QN_OK) {
        qn_reader_init(&reader, buffer.bytes, buffer.size);
        qn_free(qn_reader_string(&reader));
        status = qn_reader_check(&reader, "list", &err);
    }
    qn_buffer_release(&buffer);
    assert_int_equal(err.status, status); /* the message came with it */
    return status;
}

static enum qn_status use_pool(void)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    enum qn_status status = qn_pool_create(3, &pool, &err);
    qn_pool_free(pool);
    return status;
}

static enum qn_status use_json_text(void)
{
    json_t *value = json_pack("{s:[i,f,b,n], s:{s:s}}", "list", 12, 0.25, 1, "object", "text",
                              "a text long enough for the buffer to grow more than once, \n");
    char *text = qn_json_text(value, 2);
    enum qn_status status = text ? QN_OK : QN_NOMEM;
    qn_free(text);
    json_decref(value);
    return status;
}

static enum qn_status use_publish(void)
{
    struct qn_error err = QN_ERROR_INIT;
    enum qn_status status = qn_file_write("published", "new", 3, &err);
    assert_int_equal(err.status, status);
    return status;
}

static enum qn_status use_publish_path(void)
{
    struct qn_publish publish;
    struct qn_error err = QN_ERROR_INIT;
    enum qn_status status = qn_publish_begin_path("published", &publish, &err);
    return status == QN_OK ? qn_publish_commit(&publish, &err) : status;
}

static enum qn_status use_publish_device(void)
{
    struct qn_error err = QN_ERROR_INIT;
    return qn_file_write("/dev/null", "new", 3, &err);
}

static enum qn_status use_read(void)
{
    struct qn_error err = QN_ERROR_INIT;
    char *bytes = NULL;
    size_t size = 0;
    enum qn_status status = qn_file_read("/proc/self/stat", 1 << 20, &bytes, &size, &err);
    qn_free(bytes);
    return status;
}

static enum qn_status use_temporary(void)
{
    struct qn_error err = QN_ERROR_INIT;
    int fd = -1;
    enum qn_status status = qn_file_temporary(".", &fd, &err);
    if (status == QN_OK)
        close(fd);
    return status;
}

static void memory_runs_out(void **state)
{
    (void)state;
    QN_FOR_EACH_FAILING_ALLOCATION(use_alloc());
    QN_FOR_EACH_FAILING_ALLOCATION(use_arena());
    QN_FOR_EACH_FAILING_ALLOCATION(use_buffer());
    QN_FOR_EACH_FAILING_ALLOCATION(use_pool());
    QN_FOR_EACH_FAILING_ALLOCATION(use_json_text());
}

static void memory_runs_out_among_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/quern-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    QN_FOR_EACH_FAILING_ALLOCATION(use_publish());
    QN_FOR_EACH_FAILING_ALLOCATION(use_publish_path());
    QN_FOR_EACH_FAILING_ALLOCATION(use_publish_device());
    QN_FOR_EACH_FAILING_ALLOCATION(use_read());
    QN_FOR_EACH_FAILING_ALLOCATION(use_temporary());
    assert_int_equal(unlink("published"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0); /* so that no temporary file was left in it */
}

/* Running out of memory for the names does not turn a refusal into something else. */
static void an_unknown_key_stays_one(void **state)
{
    (void)state;
    static const char *const known[] = {"target", NULL};
    struct qn_error err = QN_ERROR_INIT;
    json_t *object = json_pack("{s:i}", "colour", 1);
    qn_fail_alloc_arm(1, true);
    enum qn_status status = qn_json_known(object, "recipe", known, &err);
    assert_true(qn_fail_alloc_disarm());
    assert_int_equal(status, QN_INVALID);
    assert_string_equal(err.message, "recipe: unknown key \"colour\"");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(memory_runs_out_among_files),
        cmocka_unit_test(an_unknown_key_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
