"""What the commands in qemu-env/ share. Python 3.11, standard library only."""
