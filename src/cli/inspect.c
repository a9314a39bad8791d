#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/model_view.h"
#include "flow/summary.h"

#include <string.h>

static const struct qn_option inspect_options[] = {
    {"recipe", NULL, "print the recipe that the model was trained with, as JSON"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

static void view_inputs(const struct qn_console *console, const struct qn_model *model)
{
    fprintf(console->out, "\n%sNeeds these columns%s\n", qn_style(console, QN_STYLE_BOLD),
            qn_style(console, QN_STYLE_PLAIN));
    const struct qn_type_override *inputs = qn_prep_inputs(model->prep);
    size_t count = qn_prep_input_count(model->prep);
    for (size_t i = 0; i < count && i < 40; i++) {
        fputs("  ", console->out);
        qn_console_cell(console, inputs[i].name, 32, false);
        fprintf(console->out, " %s%s", qn_type_name(inputs[i].type),
                inputs[i].format ? " as " : "");
        qn_console_text(console, inputs[i].format ? inputs[i].format : "");
        fputc('\n', console->out);
    }
    if (count > 40)
        fprintf(console->out, "  and %zu more (--json has them)\n", count - 40);
}

static void view_parameters(const struct qn_console *console, const struct qn_model *model)
{
    fprintf(console->out, "\n%sParameters%s\n", qn_style(console, QN_STYLE_BOLD),
            qn_style(console, QN_STYLE_PLAIN));
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(model->definition, "parameters"), key, value)
    {
        char *text = qn_json_text(value, 0);
        fputs("  ", console->out);
        qn_console_cell(console, key, 24, false);
        fputc(' ', console->out);
        qn_console_text(console, text);
        fputc('\n', console->out);
        qn_free(text);
    }
    fputs("\nTrained ", console->out);
    qn_console_text(console, json_string_value(json_object_get(model->report, "created_at")));
    fputs(" from ", console->out);
    qn_console_text(console, json_string_value(json_object_get(model->report, "data")));
    fputs(" (fingerprint ", console->out);
    qn_console_cell(console, json_string_value(json_object_get(model->report, "data_fingerprint")),
                    16, false);
    fprintf(console->out, ")\nContent hash %s\n", model->content_hash);
}

static int run(const struct qn_args *args)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_model *model = NULL;
    const char *path = qn_args_word(args, 0);
    if (!path || qn_args_word(args, 1)) {
        qn_fail(&err, QN_INVALID, "inspect needs one model file");
        return qn_cli_fail(&err, true);
    }
    if (qn_model_load(path, &model, &err) != QN_OK)
        return qn_cli_fail(&err, false);
    int code = QN_EXIT_GOOD;
    if (qn_args_flag(args, "recipe")) {
        code = qn_cli_print_json(qn_recipe_json(qn_prep_recipe(model->prep)));
    } else if (qn_args_flag(args, "json")) {
        code = qn_cli_print_json(qn_model_summary(model, path));
    } else {
        struct qn_console console;
        qn_console_init(&console, stdout);
        qn_view_model(&console, model);
        view_inputs(&console, model);
        view_parameters(&console, model);
    }
    qn_model_free(model);
    return code;
}

const struct qn_command qn_inspect_command = {
    .name = "inspect",
    .usage = "MODEL",
    .summary = "What a model is, how good, what it needs, what matters most",
    .options = inspect_options,
    .examples = "  quern inspect model.qnm\n"
                "  quern inspect model.qnm --recipe > recipe.json\n",
    .run = run,
};
