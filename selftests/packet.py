#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-only
"""packet.py COMMAND...: packets.py's commands, which is compiled but once, since it
is started very often."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import packets  # pylint: disable=wrong-import-position

packets.main()
