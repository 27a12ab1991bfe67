/* backend/char/kinds.h - what chardev_open() chooses from. Private to this folder. */
#ifndef BACKEND_CHAR_KINDS_H
#define BACKEND_CHAR_KINDS_H

#include "backend/char/chardev.h"

/* What every kind does first and last with its embedded base. */
void chardev_init(struct chardev *chr, const struct chardev_ops *ops, struct loop *loop);
void chardev_fini(struct chardev *chr);

int char_stdio_open(struct chardev **ret_chr, struct loop *loop, struct chardev_escape *escape,
                    struct error *err) NODISCARD;
int char_pty_open(struct chardev **ret_chr, struct loop *loop, struct chardev_escape *escape,
                  struct error *err) NODISCARD;
int char_file_open(struct chardev **ret_chr, struct loop *loop, const char *path,
                   struct error *err) NODISCARD;
int char_unix_open(struct chardev **ret_chr, struct loop *loop, const char *path,
                   struct chardev_escape *escape, struct error *err) NODISCARD;
int char_null_open(struct chardev **ret_chr, struct loop *loop, struct error *err) NODISCARD;

#endif
