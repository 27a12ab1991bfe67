/* app/keys.h - Ctrl-A and what follows it, on a stdio serial line. */
#ifndef APP_KEYS_H
#define APP_KEYS_H

#include "backend/char/chardev.h"

struct keys {
    struct chardev_escape escape;
    void (*quit)(struct keys *keys); /* on the loop's thread */
    /* private */
    bool armed; /* Ctrl-A was the last key */
};

void keys_init(struct keys *keys, void (*quit)(struct keys *keys));

#endif
