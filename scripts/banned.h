/* Included by force before every source of src/: functions that are not to be used, each with what
 * to use instead. Redeclaring them as deprecated turns a call into an error under -Werror, in our
 * code only: the compiler says nothing inside system headers. Needs no header of its own, so that
 * a source must still include what it uses.
 *
 * QN_ALLOW_HEAP is defined for the allocator, QN_ALLOW_CONSOLE for src/cli and src/main.c. */
#ifndef QN_BANNED_H
#define QN_BANNED_H

#define QN_BAN(instead) __attribute__((__nothrow__, __deprecated__(instead)))

/* Unbounded or cutting copies. */
char *strcpy(char *, const char *) QN_BAN("use snprintf or qn_strdup");
char *stpcpy(char *, const char *) QN_BAN("use snprintf or qn_strdup");
char *strcat(char *, const char *) QN_BAN("use snprintf or a qn_buffer");
char *strncpy(char *, const char *, __SIZE_TYPE__) QN_BAN("use snprintf: it always ends the text");
char *strncat(char *, const char *, __SIZE_TYPE__) QN_BAN("use snprintf or a qn_buffer");
int sprintf(char *, const char *, ...) QN_BAN("use snprintf");
int vsprintf(char *, const char *, __builtin_va_list) QN_BAN("use vsnprintf");
char *gets(char *) QN_BAN("use fgets");

/* Hidden state, other results by platform or locale. */
char *strtok(char *, const char *) QN_BAN("walk the text with strcspn");
int rand(void) QN_BAN("use base/random.h");
void srand(unsigned int) QN_BAN("use base/random.h");
long random(void) QN_BAN("use base/random.h");
double drand48(void) QN_BAN("use base/random.h");
char *setlocale(int, const char *) QN_BAN("Quern runs in the C locale");
struct tm;
struct tm *gmtime(const long *) QN_BAN("use gmtime_r");
struct tm *localtime(const long *) QN_BAN("use localtime_r");
char *ctime(const long *) QN_BAN("use strftime");
char *asctime(const struct tm *) QN_BAN("use strftime");
char *tmpnam(char *) QN_BAN("use mkstemp or base/file.h");
char *mktemp(char *) QN_BAN("use mkstemp or base/file.h");

/* No way to see an error. */
int atoi(const char *) QN_BAN("use base/text.h: these hide errors");
long atol(const char *) QN_BAN("use base/text.h: these hide errors");
long long atoll(const char *) QN_BAN("use base/text.h: these hide errors");
double atof(const char *) QN_BAN("use base/text.h: these hide errors");

#ifndef QN_ALLOW_HEAP
#define QN_BAN_HEAP QN_BAN("use base/alloc.h, so that tests can make it fail")
void *malloc(__SIZE_TYPE__) QN_BAN_HEAP;
void *calloc(__SIZE_TYPE__, __SIZE_TYPE__) QN_BAN_HEAP;
void *realloc(void *, __SIZE_TYPE__) QN_BAN_HEAP;
void *reallocarray(void *, __SIZE_TYPE__, __SIZE_TYPE__) QN_BAN_HEAP;
void *aligned_alloc(__SIZE_TYPE__, __SIZE_TYPE__) QN_BAN_HEAP;
int posix_memalign(void **, __SIZE_TYPE__, __SIZE_TYPE__) QN_BAN_HEAP;
void free(void *) QN_BAN_HEAP;
char *strdup(const char *) QN_BAN_HEAP;
char *strndup(const char *, __SIZE_TYPE__) QN_BAN_HEAP;
int asprintf(char **, const char *, ...) QN_BAN_HEAP;
int vasprintf(char **, const char *, __builtin_va_list) QN_BAN_HEAP;
#endif

#ifndef QN_ALLOW_CONSOLE
void exit(int) __attribute__((__noreturn__)) QN_BAN("return a status; only main ends the process");
void _exit(int) __attribute__((__noreturn__)) QN_BAN("return a status");
void quick_exit(int) __attribute__((__noreturn__)) QN_BAN("return a status");
int printf(const char *, ...) QN_BAN("only src/cli prints");
int puts(const char *) QN_BAN("only src/cli prints");
int putchar(int) QN_BAN("only src/cli prints");
#endif

#endif
