"""The network, part by part: each module is one box of Figure 3 of the RAM++ paper."""
