#ifndef THALWEG_CSQLITE_SHIM_H
#define THALWEG_CSQLITE_SHIM_H

/* SQLite's header hides the hook behind the option it is built with. Without it the program does not link. */
#ifndef SQLITE_ENABLE_PREUPDATE_HOOK
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#endif
#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast that Swift does not import; these let SQLite copy the bytes. */
static inline int csqlite_bind_blob_copy(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count)
{
    return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}

static inline int csqlite_bind_text_copy(
    sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 count)
{
    return sqlite3_bind_text64(statement, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* SQLITE_STATIC: the caller keeps the bytes alive until the statement is bound anew or finalized. */
static inline int csqlite_bind_blob_borrowed(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count)
{
    return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_STATIC);
}

/* Without statistics SQLite needs no lock for each allocation. Only before its first use, else it is refused. */
static inline int csqlite_configure(void)
{
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* A file of a file system interface written in Swift: what SQLite needs, and the object behind it. */
typedef struct csqlite_object_file {
    sqlite3_file base;
    void *object;
} csqlite_object_file;

#endif
