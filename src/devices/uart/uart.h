/* devices/uart/uart.h - a 16550A serial port on a chardev: eight byte-wide registers.
 *
 * Host input waits on the host while the guest does not read; guest output waits in the UART (THRE
 * low) while the host does not take it. Nothing is lost either way.
 */
#ifndef DEVICES_UART_UART_H
#define DEVICES_UART_UART_H

#include "backend/char/chardev.h"
#include "dev/device.h"
#include "dev/irq.h"
#include "event/loop.h"
#include "mem/region.h"

enum {
    UART_SIZE = 8,
    UART_FIFO = 16,
    UART_CLOCK_HZ = 3686400, /* "clock-frequency" of its device tree node */
};

struct uart_queue {
    uint8_t data[UART_FIFO];
    uint8_t error[UART_FIFO]; /* LSR bits BI, FE, PE that came with the byte */
    uint8_t head, count;
};

struct uart {
    struct device dev;
    struct mem_region mmio; /* UART_SIZE bytes, ready after uart_init() */
    /* private */
    struct chardev *chr;
    struct irq_line irq;
    const struct clock *clock;
    struct loop_timer rx_timer; /* character timeout */
    bool tx_blocked;            /* the host took less than given and will call writable */
    bool rx_stalled;            /* room() said 0; accept_input is due when that changes */

    /* State, all guarded by dev.lock. */
    uint8_t ier, fcr, lcr, mcr, msr, scr;
    uint16_t divisor;
    bool overrun;      /* LSR.OE */
    bool thre_pending; /* the THRE interrupt: latched, unlike the others */
    bool rx_timeout;   /* the character timeout interrupt */
    bool irq_level;
    struct uart_queue rx, tx;
    /* Bytes room() had promised a place for before the guest made the FIFO smaller. */
    uint8_t line[UART_FIFO];
    uint8_t line_count;
};

/* chr NULL: nothing is connected. chr and loop must outlive the realized UART; irq is copied. */
void uart_init(struct uart *uart, const char *id, struct chardev *chr, const struct irq_line *irq,
               struct loop *loop);
/* On the loop's thread, or while no thread runs the loop. */
void uart_fini(struct uart *uart);
/* [any thread] The line goes to break: a zero byte with LSR.BI (Linux: SysRq). */
void uart_receive_break(struct uart *uart);

#endif
