#include "base/alloc.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Each test runs in a folder of its own, which is the working folder meanwhile. */
static int enter_folder(void **state)
{
    char name[] = "/tmp/quern-test-XXXXXX";
    if (!mkdtemp(name) || chdir(name) != 0)
        return -1;
    *state = strdup(name);
    return *state ? 0 : -1;
}

static size_t entry_count(const char *folder)
{
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    size_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(listing)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return count;
}

static int leave_folder(void **state)
{
    DIR *listing = opendir(".");
    struct dirent *entry;
    while (listing && (entry = readdir(listing))) {
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
            (void)remove(entry->d_name);
    }
    if (listing)
        closedir(listing);
    int failed = chdir("/") != 0 || rmdir(*state) != 0;
    free(*state);
    return failed;
}

static void assert_content(const char *path, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(qn_file_read(path, 1 << 20, &bytes, &size, NULL), QN_OK);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(bytes, expected);
    qn_free(bytes);
}

static void writes_and_reads(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_file_write("a.txt", "hello", 5, &err), QN_OK);
    assert_content("a.txt", "hello");
    assert_int_equal(qn_file_write("a.txt", NULL, 0, &err), QN_OK); /* replaces */
    assert_content("a.txt", "");
    assert_int_equal(entry_count("."), 1); /* no temporary file is left */

    size_t size = 300001;
    char *large = qn_alloc(size, 1), *bytes = NULL;
    for (size_t i = 0; i < size; i++)
        large[i] = (char)(i * 31 % 251);
    assert_int_equal(qn_file_write("b", large, size, &err), QN_OK);
    size_t read_size = 0;
    assert_int_equal(qn_file_read("b", size, &bytes, &read_size, &err), QN_OK);
    assert_int_equal(read_size, size);
    assert_memory_equal(bytes, large, size);
    assert_int_equal(bytes[size], 0);
    qn_free(bytes);
    bytes = NULL;
    assert_int_equal(qn_file_read("b", size - 1, &bytes, &read_size, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "300000"));
    assert_null(bytes);
    qn_free(large);
}

static void names_what_cannot_be_read(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_map map;
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(qn_file_read("no.csv", 10, &bytes, &size, &err), QN_NOT_FOUND);
    assert_string_equal(err.message, "no.csv: cannot open: No such file or directory");
    assert_int_equal(qn_file_read(".", 10, &bytes, &size, &err), QN_INVALID);
    assert_string_equal(err.message, ".: cannot read: Is a directory");
    assert_int_equal(qn_map_open("no.csv", &map, &err), QN_NOT_FOUND);
    assert_int_equal(qn_map_open(".", &map, &err), QN_INVALID);
    assert_int_equal(qn_map_open("/dev/null", &map, &err), QN_INVALID);
    assert_string_equal(err.message, "/dev/null: not a regular file");
    assert_int_equal(qn_map_fd(-1, "x", &map, &err), QN_IO);
    /* Opens, but each read fails. */
    assert_int_equal(qn_file_read("/proc/self/mem", 10, &bytes, &size, &err), QN_IO);
    assert_non_null(strstr(err.message, "/proc/self/mem: cannot read"));
    assert_null(bytes);
}

static void reads_without_a_known_size(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    /* Files of /proc say that they have 0 bytes. */
    assert_int_equal(qn_file_read("/proc/self/stat", 1 << 20, &bytes, &size, NULL), QN_OK);
    assert_true(size > 10);
    assert_int_equal(strlen(bytes), size);
    qn_free(bytes);
}

static void maps(void **state)
{
    (void)state;
    struct qn_map map;
    assert_int_equal(qn_file_write("a", "12345", 5, NULL), QN_OK);
    assert_int_equal(qn_map_open("a", &map, NULL), QN_OK);
    assert_int_equal(map.size, 5);
    assert_memory_equal(map.bytes, "12345", 5);
    qn_map_close(&map);
    assert_int_equal(map.size, 0);
    qn_map_close(&map);
    assert_int_equal(qn_file_write("empty", "", 0, NULL), QN_OK);
    assert_int_equal(qn_map_open("empty", &map, NULL), QN_OK);
    assert_int_equal(map.size, 0);
    assert_string_equal(map.bytes, "");
    qn_map_close(&map);
}

static void nothing_shows_before_commit(void **state)
{
    (void)state;
    struct qn_publish publish;
    assert_int_equal(qn_file_write("a", "old", 3, NULL), QN_OK);
    assert_int_equal(qn_publish_begin("a", &publish, NULL), QN_OK);
    assert_int_equal(fputs("new", publish.stream) >= 0, 1);
    assert_int_equal(fflush(publish.stream), 0);
    assert_content("a", "old");
    assert_content(publish.temporary, "new");
    qn_publish_abort(&publish);
    assert_content("a", "old");
    assert_int_equal(entry_count("."), 1);
    qn_publish_abort(&publish); /* does nothing */

    assert_int_equal(qn_publish_begin("a", &publish, NULL), QN_OK);
    assert_int_equal(fputs("new", publish.stream) >= 0, 1);
    assert_int_equal(qn_publish_commit(&publish, NULL), QN_OK);
    assert_content("a", "new");
    assert_null(publish.stream);
    qn_publish_abort(&publish);
    assert_content("a", "new");
}

static void another_library_writes(void **state)
{
    (void)state;
    struct qn_publish publish;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_publish_begin_path("./a", &publish, &err), QN_OK);
    assert_null(publish.stream);
    assert_int_equal(strncmp(publish.temporary, "./.a.tmp-", 9), 0);
    assert_int_equal(qn_file_write(publish.temporary, "x", 1, &err), QN_OK);
    assert_int_equal(qn_publish_commit(&publish, &err), QN_OK);
    assert_content("a", "x");

    assert_int_equal(qn_publish_begin_path("b", &publish, &err), QN_OK);
    assert_int_equal(unlink(publish.temporary), 0); /* the library left nothing */
    assert_int_equal(qn_publish_commit(&publish, &err), QN_NOT_FOUND);
    assert_null(publish.path);
    assert_int_equal(entry_count("."), 1);
}

static void keeps_permissions(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(qn_file_write("a", "1", 1, NULL), QN_OK);
    assert_int_equal(chmod("a", 0640), 0);
    assert_int_equal(qn_file_write("a", "2", 1, NULL), QN_OK);
    assert_int_equal(stat("a", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    mode_t mask = umask(027);
    assert_int_equal(qn_file_write("b", "2", 1, NULL), QN_OK);
    umask(mask);
    assert_int_equal(stat("b", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
}

static void refuses_at_begin(void **state)
{
    (void)state;
    struct qn_publish publish;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_publish_begin(".", &publish, &err), QN_INVALID);
    assert_string_equal(err.message, ".: cannot write: Is a directory");
    assert_int_equal(qn_publish_begin("new/", &publish, &err), QN_INVALID);
    assert_int_equal(qn_publish_begin("", &publish, &err), QN_INVALID);
    assert_int_equal(qn_publish_begin("no/such/a", &publish, &err), QN_NOT_FOUND);
    assert_string_equal(err.message, "no/such/a: cannot write: No such file or directory");
    assert_int_equal(qn_publish_begin_path("/proc/a", &publish, &err) != QN_OK, 1);
    assert_int_equal(entry_count("."), 0);
    if (geteuid() != 0) { /* root may write anywhere */
        assert_int_equal(qn_file_write("a", "1", 1, &err), QN_OK);
        assert_int_equal(chmod("a", 0400), 0);
        assert_int_equal(qn_publish_begin("a", &publish, &err), QN_IO);
        assert_string_equal(err.message, "a: cannot write: Permission denied");
    }
}

static void long_names_fit(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_int_equal(qn_file_write(name, "x", 1, NULL), QN_OK);
    assert_content(name, "x");
}

static void a_full_disk_is_noticed(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct rlimit before, small;
    assert_int_equal(qn_file_write("a", "old", 3, &err), QN_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char bytes[100000];
    enum qn_status large = qn_file_write("a", bytes, sizeof(bytes), &err);
    /* Small enough for the stream's buffer, so that only commit finds out. */
    enum qn_status buffered = qn_file_write("a", bytes, 1500, NULL);
    /* A failed write that nobody looked at. */
    struct qn_publish publish;
    assert_int_equal(qn_publish_begin("a", &publish, NULL), QN_OK);
    size_t written = fwrite(bytes, 1, sizeof(bytes), publish.stream);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_true(written < sizeof(bytes));
    assert_int_equal(qn_publish_commit(&publish, NULL), QN_IO);
    assert_int_equal(large, QN_IO);
    assert_int_equal(buffered, QN_IO);
    assert_string_equal(err.message, "a: cannot write: File too large");
    assert_content("a", "old");
    assert_int_equal(entry_count("."), 1);
}

static void a_lost_descriptor_is_noticed(void **state)
{
    (void)state;
    struct qn_publish publish;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_publish_begin("a", &publish, &err), QN_OK);
    assert_int_equal(close(fileno(publish.stream)), 0); /* fsync and close fail */
    assert_int_equal(qn_publish_commit(&publish, &err), QN_IO);
    assert_non_null(strstr(err.message, "Bad file descriptor"));
    assert_int_equal(entry_count("."), 0);

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(qn_publish_begin("a", &publish, &err), QN_OK);
    int fd = fileno(publish.stream);
    assert_int_equal(dup2(ends[1], fd), fd); /* only fsync fails */
    assert_int_equal(qn_publish_commit(&publish, &err), QN_IO);
    assert_string_equal(err.message, "a: cannot write: Invalid argument");
    close(ends[0]);
    close(ends[1]);

    assert_int_equal(qn_publish_begin("a", &publish, &err), QN_OK);
    assert_int_equal(mkdir("a", 0700), 0); /* the rename fails */
    assert_int_equal(qn_publish_commit(&publish, &err), QN_INVALID);
    assert_string_equal(err.message, "a: cannot replace: Is a directory");
    assert_int_equal(entry_count("."), 1);
}

static void *read_fifo(void *path)
{
    static char text[100];
    FILE *stream = fopen(path, "r");
    if (!stream)
        return NULL;
    size_t size = fread(text, 1, sizeof(text) - 1, stream);
    text[size] = '\0';
    fclose(stream);
    return text;
}

static void pipes_and_devices_are_written_directly(void **state)
{
    (void)state;
    struct qn_publish publish;
    struct stat info;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    pthread_t reader;
    char name[] = "pipe";
    assert_int_equal(pthread_create(&reader, NULL, read_fifo, name), 0);
    assert_int_equal(qn_file_write("pipe", "through", 7, NULL), QN_OK);
    void *text = NULL;
    pthread_join(reader, &text);
    assert_string_equal(text, "through");
    assert_int_equal(stat("pipe", &info), 0);
    assert_true(S_ISFIFO(info.st_mode));

    assert_int_equal(qn_file_write("/dev/null", "x", 1, NULL), QN_OK);
    assert_int_equal(qn_publish_begin("/dev/null", &publish, NULL), QN_OK);
    qn_publish_abort(&publish);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));

    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_file_write("/dev/full", "x", 1, &err), QN_IO);
    assert_string_equal(err.message, "/dev/full: cannot write: No space left on device");
}

static void standard_output_keeps_its_place(void **state)
{
    (void)state;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    int fd = open("out", O_WRONLY | O_CREAT, 0600);
    assert_true(kept >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    ssize_t written = write(STDOUT_FILENO, "first ", 6);
    enum qn_status status = qn_file_write("/dev/stdout", "second", 6, NULL);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    close(kept);
    close(fd);
    assert_int_equal(written, 6);
    assert_int_equal(status, QN_OK);
    assert_content("out", "first second");
}

static void temporary_files_have_no_name(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    int fd = -1;
    assert_int_equal(qn_file_temporary(".", &fd, &err), QN_OK);
    assert_int_equal(entry_count("."), 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    struct qn_map map;
    assert_int_equal(qn_map_fd(fd, "scratch", &map, &err), QN_OK);
    assert_memory_equal(map.bytes, "abc", 3);
    qn_map_close(&map);
    close(fd);
    assert_int_equal(qn_file_temporary("no/such", &fd, &err), QN_NOT_FOUND);
    assert_non_null(strstr(err.message, "no/such"));
    assert_int_equal(qn_file_temporary(NULL, &fd, &err), QN_OK);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_and_reads),
        TEST(names_what_cannot_be_read),
        TEST(reads_without_a_known_size),
        TEST(maps),
        TEST(nothing_shows_before_commit),
        TEST(another_library_writes),
        TEST(keeps_permissions),
        TEST(refuses_at_begin),
        TEST(long_names_fit),
        TEST(a_full_disk_is_noticed),
        TEST(a_lost_descriptor_is_noticed),
        TEST(pipes_and_devices_are_written_directly),
        TEST(standard_output_keeps_its_place),
        TEST(temporary_files_have_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
