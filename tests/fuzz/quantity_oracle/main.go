// The reference for the differential test of Quantity: reads one candidate a line and prints, for each, what
// apimachinery's parser makes of it: the value in nano units and the canonical text, or "error".
package main

import (
	"bufio"
	"fmt"
	"math"
	"math/big"
	"os"

	"gopkg.in/inf.v0"
	"k8s.io/apimachinery/pkg/api/resource"
)

// How many decimal places a Quantity keeps.
const nano = 9

// apimachinery caps only what has a binary suffix; the cap is applied to everything here, as its documentation has it.
var capNano = new(big.Int).Mul(big.NewInt(math.MaxInt64), big.NewInt(1_000_000_000))

func valueInNano(quantity resource.Quantity) (*big.Int, error) {
	value := quantity.AsDec()
	sign := value.Sign()
	if sign == 0 {
		return new(big.Int), nil
	}
	// "1e2147483647" is legal; writing it out would take hundreds of megabytes.
	if value.Scale() < -30 {
		return new(big.Int).Mul(capNano, big.NewInt(int64(sign))), nil
	}
	rounded := new(inf.Dec).Round(value, nano, inf.RoundExact)
	if rounded == nil {
		return nil, fmt.Errorf("%s has more than %d decimal places", value, nano)
	}
	unscaled := rounded.UnscaledBig()
	if unscaled.CmpAbs(capNano) > 0 {
		return new(big.Int).Mul(capNano, big.NewInt(int64(sign))), nil
	}
	return unscaled, nil
}

// The text of a value, made anew: a parsed Quantity may just repeat what it was parsed from, its sign and zeros too.
func canonical(value *big.Int, format resource.Format) string {
	return resource.NewDecimalQuantity(*inf.NewDecBig(value, nano), format).String()
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		quantity, err := resource.ParseQuantity(lines.Text())
		if err != nil {
			fmt.Fprintln(out, "error")
			continue
		}
		value, err := valueInNano(quantity)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, value, canonical(value, quantity.Format))
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return out.Flush()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "quantity oracle:", err)
		os.Exit(1)
	}
}
