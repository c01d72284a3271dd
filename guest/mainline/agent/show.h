/* For people: what the guest has of the BPMP, and its devices at work. */
#ifndef SHOW_H
#define SHOW_H

/* Runs each PWM for a moment and prints what the kernel then knows of clocks, power domains and temperatures. */
void show(void);

#endif
