/* app/keys.c - Ctrl-A x quits, Ctrl-A h helps, Ctrl-A Ctrl-A is a Ctrl-A for the guest. */
#include "app/keys.h"

#include <stdio.h>

enum { CTRL_A = 1 };

static bool key(struct chardev_escape *escape, uint8_t byte)
{
    struct keys *keys = container_of(escape, struct keys, escape);

    if (!keys->armed) {
        keys->armed = byte == CTRL_A;
        return keys->armed;
    }
    keys->armed = false;
    switch (byte) {
    case 'x':
    case 'X':
        keys->quit(keys);
        return true;
    case CTRL_A:
        return false; /* for the guest */
    default:
        fputs("\r\nCtrl-A x  quit\r\nCtrl-A h  this help\r\nCtrl-A Ctrl-A  a Ctrl-A for the "
              "guest\r\n",
              stderr);
        return true;
    }
}

void keys_init(struct keys *keys, void (*quit)(struct keys *keys))
{
    *keys = (struct keys){ .escape = { key }, .quit = quit };
}
