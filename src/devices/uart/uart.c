/*
 * devices/uart/uart.c - a 16550A as in National's PC16550D data sheet, its line a chardev.
 *
 * The line is as fast as the host: a byte written to THR goes to the chardev at once, and only
 * what the host does not take stays in the transmit FIFO, with THRE low until it is gone. Received
 * bytes come when there is room for them and never overrun; only in loopback can the guest
 * overrun itself. The baud rate matters for one thing, how long a character timeout is.
 *
 * Interrupt conditions are levels computed from the state (iir_now), but for THRE, which the data
 * sheet makes an event: latched when the transmitter becomes empty or its interrupt is enabled
 * while it is, cleared by reading IIR when that reports it, or by writing THR.
 *
 * Threads: register accesses come on vCPU threads with dev.lock held, chardev and timer callbacks
 * on the loop's thread take it. chardev_write() and chardev_accept_input() may be called under it:
 * they do not call back at once.
 */
#include "devices/uart/uart.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/compiler.h"

/* Offsets; DLAB (LCR bit 7) shows the divisor latch at 0 and 1. */
enum {
    REG_DATA = 0, /* RBR, THR; DLL */
    REG_IER = 1,  /* DLM */
    REG_IIR = 2,  /* read; FCR to write */
    REG_LCR = 3,
    REG_MCR = 4,
    REG_LSR = 5,
    REG_MSR = 6,
    REG_SCR = 7,
};

enum { IER_RDI = 1, IER_THRI = 2, IER_RLSI = 4, IER_MSI = 8, IER_MASK = 0xf };
enum {
    IIR_MSI = 0x0,
    IIR_NONE = 0x1,
    IIR_THRI = 0x2,
    IIR_RDI = 0x4,
    IIR_RLSI = 0x6,
    IIR_TIMEOUT = 0xc,
    IIR_FIFO = 0xc0,
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4, FCR_KEPT = 0xc9, FCR_TRIGGER_SHIFT = 6 };
enum { LCR_WLS = 3, LCR_STB = 4, LCR_PEN = 8, LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 0x10, MCR_MASK = 0x1f };
enum {
    LSR_DR = 1,
    LSR_OE = 2,
    LSR_PE = 4,
    LSR_FE = 8,
    LSR_BI = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
};
enum {
    MSR_DCTS = 1,
    MSR_DDSR = 2,
    MSR_TERI = 4,
    MSR_DDCD = 8,
    MSR_DELTAS = 0xf,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
};

enum {
    DIVISOR_RESET = 24,           /* 9600 baud */
    TIMEOUT_CHARS = 4,            /* "Character Timeout": no byte for four character times */
    TIMEOUT_MAX_NS = 4 * 1000000, /* about that at 9600 baud: who types should not wait for more */
};

static const uint8_t trigger_levels[4] = { 1, 4, 8, 14 };

static struct uart *to_uart(struct device *dev)
{
    return container_of(dev, struct uart, dev);
}

/* ---- the two FIFOs ---- */

static void queue_push(struct uart_queue *q, uint8_t byte, uint8_t error)
{
    unsigned at = (q->head + q->count) % UART_FIFO;

    q->data[at] = byte;
    q->error[at] = error;
    q->count++;
}

static uint8_t queue_pop(struct uart_queue *q)
{
    uint8_t byte = q->data[q->head];

    q->error[q->head] = 0;
    q->head = (uint8_t)((q->head + 1) % UART_FIFO);
    q->count--;
    return byte;
}

static void queue_clear(struct uart_queue *q)
{
    *q = (struct uart_queue){ 0 };
}

/* Without FIFOs there is one holding register each way. */
static unsigned fifo_size(const struct uart *uart)
{
    return uart->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

static unsigned rx_trigger(const struct uart *uart)
{
    return uart->fcr & FCR_ENABLE ? trigger_levels[uart->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/* ---- interrupts ---- */

static uint8_t lsr_now(const struct uart *uart)
{
    uint8_t lsr = uart->tx.count == 0 ? LSR_THRE | LSR_TEMT : 0;

    if (uart->overrun)
        lsr |= LSR_OE;
    if (uart->rx.count > 0)
        lsr |= LSR_DR | uart->rx.error[uart->rx.head];
    if (uart->fcr & FCR_ENABLE) {
        for (unsigned i = 0; i < UART_FIFO; i++) { /* entries not in use have none */
            if (uart->rx.error[i] != 0)
                lsr |= LSR_FIFO_ERROR;
        }
    }
    return lsr;
}

/* The pending interrupt of highest priority (data sheet, table IV). */
static uint8_t iir_now(const struct uart *uart)
{
    uint8_t fifo = uart->fcr & FCR_ENABLE ? IIR_FIFO : 0;

    if ((uart->ier & IER_RLSI) && (lsr_now(uart) & (LSR_OE | LSR_PE | LSR_FE | LSR_BI)))
        return IIR_RLSI | fifo;
    if ((uart->ier & IER_RDI) && uart->rx.count >= rx_trigger(uart))
        return IIR_RDI | fifo;
    if ((uart->ier & IER_RDI) && uart->rx_timeout)
        return IIR_TIMEOUT | fifo;
    if ((uart->ier & IER_THRI) && uart->thre_pending)
        return IIR_THRI | fifo;
    if ((uart->ier & IER_MSI) && (uart->msr & MSR_DELTAS))
        return IIR_MSI | fifo;
    return IIR_NONE | fifo;
}

static void update_irq(struct uart *uart)
{
    bool level = !(iir_now(uart) & IIR_NONE);

    if (uart->irq_level == level)
        return;
    uart->irq_level = level;
    irq_set(&uart->irq, level);
}

/* Bytes below the trigger level for four character times: the other way to RDI's attention. */
static void update_rx_timer(struct uart *uart)
{
    uint64_t bits, timeout_ns;

    if (uart->rx.count == 0)
        uart->rx_timeout = false;
    if (uart->rx.count == 0 || uart->rx.count >= rx_trigger(uart)) {
        loop_timer_disarm(&uart->rx_timer);
        return;
    }
    bits = 1 + 5 + (uart->lcr & LCR_WLS) + (uart->lcr & LCR_PEN ? 1 : 0) +
           (uart->lcr & LCR_STB ? 2 : 1);
    timeout_ns = TIMEOUT_CHARS * bits * 16 * 1000000000u * (uart->divisor ? uart->divisor : 1) /
                 UART_CLOCK_HZ;
    if (timeout_ns > TIMEOUT_MAX_NS)
        timeout_ns = TIMEOUT_MAX_NS;
    loop_timer_arm(&uart->rx_timer, clock_now_ns(uart->clock) + timeout_ns);
}

static void rx_timer_fire(struct loop_timer *timer)
{
    struct uart *uart = container_of(timer, struct uart, rx_timer);

    pthread_mutex_lock(&uart->dev.lock);
    uart->rx_timeout = uart->rx.count > 0 && (uart->fcr & FCR_ENABLE);
    update_irq(uart);
    pthread_mutex_unlock(&uart->dev.lock);
}

/* ---- receiving ---- */

static size_t rx_room(const struct uart *uart)
{
    if (uart->line_count > 0 || (uart->mcr & MCR_LOOP) || uart->rx.count >= fifo_size(uart))
        return 0;
    return fifo_size(uart) - uart->rx.count;
}

/* One byte has come in; the caller updates timer and interrupt. */
static void rx_byte(struct uart *uart, uint8_t byte, uint8_t error)
{
    if (uart->rx.count >= fifo_size(uart)) {
        uart->overrun = true; /* a full FIFO keeps what it has, RBR alone is overwritten */
        if (uart->fcr & FCR_ENABLE)
            return;
        queue_clear(&uart->rx);
    }
    queue_push(&uart->rx, byte, error);
}

/* After the receiver gained room: first what waits on the line, then the host. */
static void rx_refill(struct uart *uart)
{
    unsigned used = 0;

    while (used < uart->line_count && !(uart->mcr & MCR_LOOP) && uart->rx.count < fifo_size(uart))
        queue_push(&uart->rx, uart->line[used++], 0);
    uart->line_count = (uint8_t)(uart->line_count - used);
    for (unsigned i = 0; i < uart->line_count; i++)
        uart->line[i] = uart->line[i + used];
    update_rx_timer(uart);
    if (uart->rx_stalled && rx_room(uart) > 0) {
        uart->rx_stalled = false;
        chardev_accept_input(uart->chr);
    }
}

static size_t uart_room(void *opaque)
{
    struct uart *uart = opaque;
    size_t room;

    pthread_mutex_lock(&uart->dev.lock);
    room = rx_room(uart);
    uart->rx_stalled = room == 0;
    pthread_mutex_unlock(&uart->dev.lock);
    return room;
}

/* len is at most what room() said, but the guest may have switched the FIFO off since; then the
 * rest waits in `line`, which is empty, or room() would have said 0. */
static void uart_input(void *opaque, const uint8_t *buf, size_t len)
{
    struct uart *uart = opaque;

    pthread_mutex_lock(&uart->dev.lock);
    assert(len <= (size_t)(UART_FIFO - uart->line_count));
    for (size_t i = 0; i < len; i++)
        uart->line[uart->line_count++] = buf[i];
    rx_refill(uart);
    update_irq(uart);
    pthread_mutex_unlock(&uart->dev.lock);
}

void uart_receive_break(struct uart *uart)
{
    pthread_mutex_lock(&uart->dev.lock);
    if (!(uart->mcr & MCR_LOOP)) {
        rx_byte(uart, 0, LSR_BI);
        update_rx_timer(uart);
        update_irq(uart);
    }
    pthread_mutex_unlock(&uart->dev.lock);
}

/* ---- transmitting ---- */

/* Gives the host what it takes. */
static void tx_drain(struct uart *uart)
{
    struct uart_queue *tx = &uart->tx;

    while (tx->count > 0 && !uart->tx_blocked) {
        unsigned run = UART_FIFO - tx->head;
        size_t taken;

        if (run > tx->count)
            run = tx->count;
        taken = uart->chr ? chardev_write(uart->chr, &tx->data[tx->head], run) : run;
        uart->tx_blocked = taken < run;
        tx->head = (uint8_t)((tx->head + taken) % UART_FIFO);
        tx->count = (uint8_t)(tx->count - taken);
        if (tx->count == 0)
            uart->thre_pending = true;
    }
}

static void uart_writable(void *opaque)
{
    struct uart *uart = opaque;

    pthread_mutex_lock(&uart->dev.lock);
    uart->tx_blocked = false;
    tx_drain(uart);
    update_irq(uart);
    pthread_mutex_unlock(&uart->dev.lock);
}

static void tx_byte(struct uart *uart, uint8_t byte)
{
    uart->thre_pending = false;
    if (uart->mcr & MCR_LOOP) {
        rx_byte(uart, byte, 0);
        update_rx_timer(uart);
        uart->thre_pending = uart->tx.count == 0;
        return;
    }
    if (uart->tx.count >= fifo_size(uart)) { /* the guest did not wait for THRE */
        if (uart->fcr & FCR_ENABLE)
            return;
        queue_clear(&uart->tx);
    }
    queue_push(&uart->tx, byte, 0);
    tx_drain(uart);
}

static const struct chardev_handler uart_handler = {
    .room = uart_room,
    .input = uart_input,
    .writable = uart_writable,
};

/* ---- registers ---- */

/* The modem's lines: in loopback the guest's own outputs, else those of a peer always there. */
static void update_modem(struct uart *uart)
{
    uint8_t lines = MSR_CTS | MSR_DSR | MSR_DCD, changed;

    if (uart->mcr & MCR_LOOP) {
        lines = (uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
                (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0);
    }
    changed = (uart->msr ^ lines) & (uint8_t)~MSR_DELTAS;
    if (lines & MSR_RI)
        changed &= (uint8_t)~MSR_RI; /* RI counts when it ends */
    uart->msr = (uint8_t)(lines | (uart->msr & MSR_DELTAS) | changed >> 4);
}

static void write_fcr(struct uart *uart, uint8_t val)
{
    bool clear = (val ^ uart->fcr) & FCR_ENABLE; /* the mode changes */

    uart->fcr = val & FCR_ENABLE ? val & FCR_KEPT : 0;
    if (clear || (val & FCR_CLEAR_RX && val & FCR_ENABLE)) {
        queue_clear(&uart->rx);
        uart->rx_timeout = false;
    }
    if (clear || (val & FCR_CLEAR_TX && val & FCR_ENABLE)) {
        if (uart->tx.count > 0)
            uart->thre_pending = true;
        queue_clear(&uart->tx);
    }
    rx_refill(uart);
}

static void write_mcr(struct uart *uart, uint8_t val)
{
    uart->mcr = val & MCR_MASK;
    update_modem(uart);
    rx_refill(uart); /* loopback may have ended */
}

static void write_lcr(struct uart *uart, uint8_t val)
{
    bool begins = val & ~uart->lcr & LCR_BREAK;

    uart->lcr = val;
    if (begins && uart->mcr & MCR_LOOP) {
        rx_byte(uart, 0, LSR_BI);
        update_rx_timer(uart);
    }
}

static void write_ier(struct uart *uart, uint8_t val)
{
    uint8_t changed = (val ^ uart->ier) & IER_THRI;

    uart->ier = val & IER_MASK;
    if (changed)
        uart->thre_pending = val & IER_THRI && uart->tx.count == 0;
}

static uint8_t read_data(struct uart *uart)
{
    uint8_t byte;

    if (uart->rx.count == 0)
        return 0;
    byte = queue_pop(&uart->rx);
    uart->rx_timeout = false;
    rx_refill(uart);
    return byte;
}

static uint8_t read_iir(struct uart *uart)
{
    uint8_t iir = iir_now(uart);

    if ((iir & ~IIR_FIFO) == IIR_THRI)
        uart->thre_pending = false;
    return iir;
}

static uint8_t read_lsr(struct uart *uart)
{
    uint8_t lsr = lsr_now(uart);

    uart->overrun = false;
    if (uart->rx.count > 0)
        uart->rx.error[uart->rx.head] = 0;
    return lsr;
}

static uint8_t read_msr(struct uart *uart)
{
    uint8_t msr = uart->msr;

    uart->msr &= (uint8_t)~MSR_DELTAS;
    return msr;
}

static uint8_t reg_read(struct uart *uart, gpa_t reg)
{
    bool dlab = uart->lcr & LCR_DLAB;

    switch (reg) {
    case REG_DATA:
        return dlab ? (uint8_t)uart->divisor : read_data(uart);
    case REG_IER:
        return dlab ? (uint8_t)(uart->divisor >> 8) : uart->ier;
    case REG_IIR:
        return read_iir(uart);
    case REG_LCR:
        return uart->lcr;
    case REG_MCR:
        return uart->mcr;
    case REG_LSR:
        return read_lsr(uart);
    case REG_MSR:
        return read_msr(uart);
    default:
        return uart->scr;
    }
}

static void reg_write(struct uart *uart, gpa_t reg, uint8_t val)
{
    bool dlab = uart->lcr & LCR_DLAB;

    switch (reg) {
    case REG_DATA:
        if (dlab)
            uart->divisor = (uint16_t)((uart->divisor & 0xff00) | val);
        else
            tx_byte(uart, val);
        return;
    case REG_IER:
        if (dlab)
            uart->divisor = (uint16_t)((uart->divisor & 0x00ff) | val << 8);
        else
            write_ier(uart, val);
        return;
    case REG_IIR:
        write_fcr(uart, val);
        return;
    case REG_LCR:
        write_lcr(uart, val);
        return;
    case REG_MCR:
        write_mcr(uart, val);
        return;
    case REG_SCR:
        uart->scr = val;
        return;
    default: /* LSR and MSR are read only: their write is for factory tests */
        return;
    }
}

/* A wider access is one of the register at its address; the other bytes are 0. */
static enum mem_result uart_read(struct mem_region *region, gpa_t off, unsigned size, uint64_t *val)
{
    struct uart *uart = container_of(region, struct uart, mmio);

    (void)size;
    *val = reg_read(uart, off);
    update_irq(uart);
    return MEM_OK;
}

static enum mem_result uart_write(struct mem_region *region, gpa_t off, unsigned size, uint64_t val)
{
    struct uart *uart = container_of(region, struct uart, mmio);

    (void)size;
    reg_write(uart, off, (uint8_t)val);
    update_irq(uart);
    return MEM_OK;
}

static const struct mem_region_ops uart_mem_ops = {
    .read = uart_read,
    .write = uart_write,
    .min_size = 1,
    .max_size = 8,
};

/* ---- the device ---- */

static int uart_realize(struct device *dev, struct error *err)
{
    struct uart *uart = to_uart(dev);

    (void)err;
    if (uart->chr != NULL)
        chardev_set_handler(uart->chr, &uart_handler, uart);
    return 0;
}

static void uart_unrealize(struct device *dev)
{
    struct uart *uart = to_uart(dev);

    if (uart->chr != NULL)
        chardev_set_handler(uart->chr, NULL, NULL);
    loop_timer_disarm(&uart->rx_timer);
}

/* What waits on the line stays: it is the host's, and the next kernel may want it. So does what the
 * host has not taken yet: the last words before a reboot. */
static void uart_reset(struct device *dev)
{
    struct uart *uart = to_uart(dev);

    uart->ier = 0;
    uart->fcr = 0;
    uart->lcr = 0;
    uart->mcr = 0;
    uart->scr = 0;
    uart->divisor = DIVISOR_RESET;
    uart->overrun = false;
    uart->thre_pending = false;
    uart->rx_timeout = false;
    queue_clear(&uart->rx);
    update_modem(uart);
    uart->msr &= (uint8_t)~MSR_DELTAS;
    rx_refill(uart);
    uart->irq_level = false;
    irq_set(&uart->irq, false);
}

static bool queue_valid(const struct uart_queue *q)
{
    return q->head < UART_FIFO && q->count <= UART_FIFO;
}

static int uart_post_load(struct device *dev, struct error *err)
{
    struct uart *uart = to_uart(dev);

    if (!queue_valid(&uart->rx) || !queue_valid(&uart->tx) || uart->line_count > UART_FIFO) {
        queue_clear(&uart->tx); /* reset leaves these two alone */
        uart->line_count = 0;
        return error_set(err, EINVAL, "a FIFO holds more than %d bytes", UART_FIFO);
    }
    uart->ier &= IER_MASK;
    uart->fcr = uart->fcr & FCR_ENABLE ? uart->fcr & FCR_KEPT : 0;
    uart->mcr &= MCR_MASK;
    for (unsigned i = 0; i < UART_FIFO; i++)
        uart->rx.error[(uart->rx.head + i) % UART_FIFO] &=
            i < uart->rx.count ? LSR_BI | LSR_FE | LSR_PE : 0;
    tx_drain(uart);
    rx_refill(uart);
    update_irq(uart);
    return 0;
}

static const struct state_field uart_state[] = {
    STATE_UINT(struct uart, ier),          STATE_UINT(struct uart, fcr),
    STATE_UINT(struct uart, lcr),          STATE_UINT(struct uart, mcr),
    STATE_UINT(struct uart, msr),          STATE_UINT(struct uart, scr),
    STATE_UINT(struct uart, divisor),      STATE_BOOL(struct uart, overrun),
    STATE_BOOL(struct uart, thre_pending), STATE_BOOL(struct uart, rx_timeout),
    STATE_BYTES(struct uart, rx.data),     STATE_BYTES(struct uart, rx.error),
    STATE_UINT(struct uart, rx.head),      STATE_UINT(struct uart, rx.count),
    STATE_BYTES(struct uart, tx.data),     STATE_UINT(struct uart, tx.head),
    STATE_UINT(struct uart, tx.count),     STATE_BYTES(struct uart, line),
    STATE_UINT(struct uart, line_count),   STATE_END,
};

static const struct device_ops uart_ops = {
    .type = "uart",
    .realize = uart_realize,
    .reset = uart_reset,
    .unrealize = uart_unrealize,
    .post_load = uart_post_load,
    .state = uart_state,
    .state_version = 1,
    .device_offset = offsetof(struct uart, dev),
};

void uart_init(struct uart *uart, const char *id, struct chardev *chr, const struct irq_line *irq,
               struct loop *loop)
{
    *uart = (struct uart){ .chr = chr, .irq = *irq, .clock = loop_clock(loop) };
    device_init(&uart->dev, &uart_ops, id);
    mem_region_init_mmio(&uart->mmio, id, UART_SIZE, &uart_mem_ops, &uart->dev.lock);
    loop_timer_init(&uart->rx_timer, loop, rx_timer_fire);
}

void uart_fini(struct uart *uart)
{
    device_unrealize(&uart->dev);
    mem_region_fini(&uart->mmio);
    device_fini(&uart->dev);
}
