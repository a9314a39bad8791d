#include "base/progress.h"

#include <cmocka.h>

struct heard {
    const char *stage, *unit;
    uint64_t done, total;
    bool answer;
};

static bool hear(void *context, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    struct heard *heard = context;
    heard->stage = stage;
    heard->unit = unit;
    heard->done = done;
    heard->total = total;
    return heard->answer;
}

static void reports_and_cancels(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct heard heard = {.answer = true};
    struct qn_progress progress = {hear, &heard};
    assert_int_equal(qn_progress_report(&progress, "fit", 3, 10, "trees", &err), QN_OK);
    assert_string_equal(heard.stage, "fit");
    assert_string_equal(heard.unit, "trees");
    assert_int_equal(heard.done, 3);
    assert_int_equal(heard.total, 10);
    assert_string_equal(err.message, "");
    heard.answer = false;
    assert_int_equal(qn_progress_report(&progress, "fit", 4, 10, "trees", &err), QN_CANCELLED);
    assert_string_equal(err.message, "cancelled during fit");
}

static void nobody_listens(void **state)
{
    (void)state;
    struct qn_progress silent = {NULL, NULL};
    assert_int_equal(qn_progress_report(NULL, "fit", 0, 0, "rows", NULL), QN_OK);
    assert_int_equal(qn_progress_report(&silent, "fit", 0, 0, "rows", NULL), QN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_and_cancels),
        cmocka_unit_test(nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
