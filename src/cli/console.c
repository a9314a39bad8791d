#include "cli/console.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define QN_METER_DELAY_MS 1000.0
#define QN_METER_EVERY_MS 100.0

/* A signal handler can reach nothing but a global. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void qn_console_init(struct qn_console *console, FILE *out)
{
    bool terminal = isatty(fileno(out)) == 1;
    const char *no_colour = getenv("NO_COLOR");
    *console = (struct qn_console){.out = out, .width = 80};
    console->colour = terminal && !(no_colour && *no_colour);
    struct winsize size;
    if (terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        console->width = size.ws_col;
}

const char *qn_style(const struct qn_console *console, enum qn_style style)
{
    static const char *const codes[] = {"\033[0m",  "\033[1m",  "\033[2m",
                                        "\033[32m", "\033[33m", "\033[31m"};
    return console->colour ? codes[style] : "";
}

void qn_console_text(const struct qn_console *console, const char *text)
{
    char fitted[4096];
    qn_text_fit(text ? text : "?", sizeof(fitted), fitted, sizeof(fitted));
    fputs(fitted, console->out);
}

void qn_console_cell(const struct qn_console *console, const char *text, size_t columns, bool right)
{
    char fitted[512];
    size_t used = qn_text_fit(text ? text : "?", columns, fitted, sizeof(fitted));
    int padding = used < columns ? (int)(columns - used) : 0;
    if (right)
        fprintf(console->out, "%*s%s", padding, "", fitted);
    else
        fprintf(console->out, "%s%*s", fitted, padding, "");
}

void qn_console_bar(const struct qn_console *console, double value, double maximum, size_t columns)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double share = maximum > 0 && value > 0 ? value / maximum : 0;
    size_t eighths = (size_t)floor((share > 1 ? 1 : share) * (double)columns * 8 + 0.5);
    size_t used = eighths / 8 + (eighths % 8 ? 1 : 0);
    for (size_t i = 0; i < eighths / 8; i++)
        fputs("█", console->out);
    fputs(parts[eighths % 8], console->out);
    fprintf(console->out, "%*s", (int)(columns - used), "");
}

static void show(struct qn_meter *meter, uint64_t done, uint64_t total, const char *unit,
                 double now_ms)
{
    double elapsed_s = (now_ms - meter->begin_ms) / 1e3;
    double rate = (double)done / elapsed_s;
    char count[QN_NUMBER_TEXT_SIZE], all[QN_NUMBER_TEXT_SIZE], speed[QN_NUMBER_TEXT_SIZE];
    qn_format_count(done, count);
    qn_format_count(total, all);
    qn_format_human(rate, speed);
    fprintf(stderr, "\r\033[K%s  %s", meter->stage, count);
    if (total > 0)
        fprintf(stderr, " of %s", all);
    fprintf(stderr, " %s  %s/s", unit, speed);
    if (total > done && rate > 0)
        fprintf(stderr, "  %.0f s left", (double)(total - done) / rate);
    fflush(stderr);
    meter->shown = true;
}

static bool update(void *context, const char *stage, uint64_t done, uint64_t total,
                   const char *unit)
{
    struct qn_meter *meter = context;
    if (interrupted)
        return false;
    if (!meter->visible)
        return true;
    double now_ms = qn_clock_ms();
    if (!meter->stage || strcmp(meter->stage, stage) != 0) {
        meter->stage = stage;
        meter->begin_ms = now_ms;
        meter->last_ms = now_ms;
        return true;
    }
    if (now_ms - meter->begin_ms < QN_METER_DELAY_MS || now_ms - meter->last_ms < QN_METER_EVERY_MS)
        return true;
    meter->last_ms = now_ms;
    show(meter, done, total, unit, now_ms);
    return true;
}

/* The first one asks to stop, the second ends at once. What nohup or a shell has set to be ignored
 * stays so. */
static void catch_signal(int number)
{
    struct sigaction action, before;
    if (sigaction(number, NULL, &before) != 0 || before.sa_handler == SIG_IGN)
        return;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_interrupt;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(number, &action, NULL);
}

void qn_meter_init(struct qn_meter *meter)
{
    *meter = (struct qn_meter){.visible = isatty(STDERR_FILENO) == 1};
    meter->progress.update = update;
    meter->progress.context = meter;
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    catch_signal(SIGHUP);
    /* A limit on file sizes then is a failed write, which cleans up and says so. */
    signal(SIGXFSZ, SIG_IGN);
}

void qn_meter_end(struct qn_meter *meter)
{
    if (meter->shown)
        fprintf(stderr, "\r\033[K");
    meter->shown = false;
}
