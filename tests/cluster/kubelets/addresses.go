package main

import (
	"net/netip"

	"k8s.io/apimachinery/pkg/types"
)

// Addresses gives every pod its own, within a range whose network and gateway address, the first two, stay free.
// One that comes back is given again only when all after it have been.
type addresses struct {
	within netip.Prefix
	last   netip.Addr
	pods   map[types.UID]netip.Addr
	taken  map[netip.Addr]bool
}

func newAddresses(within netip.Prefix) *addresses {
	made := &addresses{within: within, pods: map[types.UID]netip.Addr{}, taken: map[netip.Addr]bool{}}
	made.last = made.gateway()
	return made
}

// The pod's address; a new one where it has none. False when none is left.
func (a *addresses) of(pod types.UID) (netip.Addr, bool) {
	if address, ok := a.pods[pod]; ok {
		return address, true
	}
	first := a.after(a.last)
	for address := first; ; {
		if !a.taken[address] {
			a.last = address
			a.keep(pod, address)
			return address, true
		}
		if address = a.after(address); address == first {
			return netip.Addr{}, false
		}
	}
}

func (a *addresses) after(address netip.Addr) netip.Addr {
	if next := address.Next(); a.within.Contains(next) {
		return next
	}
	return a.gateway().Next()
}

func (a *addresses) gateway() netip.Addr { return a.within.Masked().Addr().Next() }

func (a *addresses) keep(pod types.UID, address netip.Addr) {
	a.pods[pod] = address
	a.taken[address] = true
}

func (a *addresses) giveBack(pod types.UID) {
	if address, ok := a.pods[pod]; ok {
		delete(a.taken, address)
		delete(a.pods, pod)
	}
}
