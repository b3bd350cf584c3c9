package main

import (
	"fmt"
	"io"
	"math"
	"sort"
	"text/tabwriter"
	"time"
)

// metric is one figure of one case.
type metric struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// result is what one repetition found for one case, such as N=100.
type result struct {
	name    string
	metrics []metric
}

func (r *result) add(name string, v float64, unit string) {
	r.metrics = append(r.metrics, metric{name, v, unit})
}

// latencies adds median and tail of the durations.
func (r *result) latencies(prefix string, d []time.Duration) {
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	for _, p := range []int{50, 95, 99} {
		r.add(fmt.Sprintf("%s-p%d", prefix, p), ms(percentile(d, p)), "ms")
	}
}

// percentile of durations in ascending order, by nearest rank.
func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	i := int(math.Ceil(float64(p)/100*float64(len(d)))) - 1
	return d[min(max(i, 0), len(d)-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(v []float64) float64 {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	if len(s) == 0 {
		return math.NaN()
	}
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// summaryRow is one figure over all repetitions on one server. Ratio is the
// median over the first server's median.
type summaryRow struct {
	Workload string  `json:"workload"`
	Server   string  `json:"server"`
	Case     string  `json:"case"`
	Metric   string  `json:"metric"`
	Unit     string  `json:"unit"`
	Median   float64 `json:"median"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Reps     int     `json:"reps"`
	Ratio    float64 `json:"ratio_to_first,omitempty"`
}

func summarise(workload string, runs []runRecord, envs []*env) []summaryRow {
	type key struct{ server, c, metric string }
	vals := map[key][]float64{}
	var order []key
	units := map[key]string{}
	seen := map[key]bool{}
	for _, r := range runs {
		for _, m := range append(r.Metrics[:len(r.Metrics):len(r.Metrics)], metric{"calibration", r.Speed, "us"}) {
			k := key{r.Server, r.Case, m.Name}
			vals[k] = append(vals[k], m.Value)
			units[k] = m.Unit
			if k.server = ""; !seen[k] {
				seen[k] = true
				order = append(order, k)
			}
		}
	}
	var rows []summaryRow
	for _, k := range order {
		first := math.NaN()
		for i, e := range envs {
			k.server = e.name
			v := vals[k]
			if len(v) == 0 {
				continue
			}
			row := summaryRow{Workload: workload, Server: e.name, Case: k.c, Metric: k.metric, Unit: units[k], Median: median(v), Reps: len(v)}
			row.Min, row.Max = v[0], v[0]
			for _, x := range v {
				row.Min, row.Max = min(row.Min, x), max(row.Max, x)
			}
			if i == 0 {
				first = row.Median
			} else if r := row.Median / first; !math.IsNaN(r) && !math.IsInf(r, 0) {
				row.Ratio = r
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func printTable(w io.Writer, name string, rows []summaryRow, envs []*env) {
	fmt.Fprintf(w, "\n== %s ==\n", name)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "case\tfigure\tserver\tmedian\tmin\tmax\tunit")
	if len(envs) > 1 {
		fmt.Fprintf(t, "\tratio to %s", envs[0].name)
	}
	fmt.Fprintln(t)
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s", r.Case, r.Metric, r.Server, short(r.Median), short(r.Min), short(r.Max), r.Unit)
		if r.Ratio != 0 {
			fmt.Fprintf(t, "\t%.3f", r.Ratio)
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	fmt.Fprintln(w)
}

// short prints about three digits that matter.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.4f", v)
	}
}
