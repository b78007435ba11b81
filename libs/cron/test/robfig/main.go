// Writes when robfig/cron v3 runs schedules, and which it refuses, for timetable.test.ts and schedule.test.ts to
// compare, as ticks.tsv and refused.tsv: go run .
// Years long past: no update of the time zone database changes them.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"github.com/robfig/cron/v3"
)

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "Asia/Beirut",
	"Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "Asia/Kathmandu", "America/Santiago", "America/St_Johns", "Pacific/Apia"}

// Over ten years, in every zone.
var seldom = []string{"@daily", "@weekly", "@monthly", "@yearly", "30 2 * * *", "15 1 * * 0", "0 0 29 2 *", "0 12 31 * *",
	"0 9 * JAN,mar,Oct-DEC MON-FRI", "30 23 13 * FRI", "0 6 1-7 * 1", "0 0 */10 * ?", "0 0 1,15 * 3", "45 1 * 3,4,10,11 *",
	"20 0 */2 * SUN"}

// Over ten years, in two zones.
var often = []string{"0 */6 * * *", "30 1-3 * * *"}

// Over four days around clocks that are moved.
var dense = []string{"@hourly", "* * * * *", "*/5 * * * *", "*/20 */7 1-3 * * *", "15/25 0-3 * * *", "10 0/1 * * * ?"}
var moves = map[string][]string{
	"Europe/Berlin":       {"2024-03-30", "2024-10-26"},
	"America/New_York":    {"2024-03-09", "2024-11-02"},
	"America/Sao_Paulo":   {"2018-11-03", "2018-02-17"},
	"Australia/Lord_Howe": {"2024-04-06", "2024-10-05"},
	"America/Havana":      {"2024-03-09", "2024-11-02"},
	"Africa/Casablanca":   {"2023-03-18", "2023-04-22"},
}

// Read or refused?
var odd = []string{"", "* * * *", "* * * * * * 2026", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * 0 *",
	"* * * * 7", "* * * * sunday", "* * * * L", "* * L * *", "* * 15W * *", "* * * * 5#3", "20-10 * * * *", "1-2-3 * * * *",
	"*/1/2 * * * *", "*/0 * * * *", "-1 * * * *", "1,2,3 * * * *", "1-5,7 * * * *", "5/15 * * * *", "5-59/15 * * * *",
	"? ? ? ? ?", "*/100 * * * *", "a * * * *", "1.5 * * * *", "+1 * * * *", "01 * * * *", "0 0 1 JAN-mar sun", "0 0 1 mar-jan *",
	"0 0 * * sat-sun", "* * * * * *", "59 * * * * *", "60 * * * * *", "@hourly", "@HOURLY", "@hourly ", "@reboot", "@midnight",
	"@annually", "*/61 * * * *", "0 0 31 2 *", "* * * * 0-6", "* * * * 0-7", "1- * * * *", "/5 * * * *", "5/ * * * *",
	"1,,2 * * * *", ", * * * *", "*-5 * * * *"}

var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Schedule, zone, from, to, how many times, SHA-256 (first 16 digits) of the times in Unix seconds, one a line.
func write(out *os.File, schedule, zone string, from, to time.Time) {
	s, err := parser.Parse("CRON_TZ=" + zone + " " + schedule)
	if err != nil {
		panic(err)
	}
	count, hash := 0, sha256.New()
	for t := s.Next(from); !t.IsZero() && t.Before(to); t = s.Next(t) {
		count++
		fmt.Fprintf(hash, "%d\n", t.Unix())
	}
	sum := fmt.Sprintf("%x", hash.Sum(nil))[:16]
	fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%d\t%s\n", schedule, zone, from.Format(time.DateOnly), to.Format(time.DateOnly), count, sum)
}

func main() {
	ticks, _ := os.Create("ticks.tsv")
	decade, end := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range zones {
		for _, schedule := range seldom {
			write(ticks, schedule, zone, decade, end)
		}
		for _, day := range moves[zone] {
			from, _ := time.Parse(time.DateOnly, day)
			for _, schedule := range dense {
				write(ticks, schedule, zone, from, from.AddDate(0, 0, 4))
			}
		}
	}
	for _, schedule := range often {
		for _, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe"} {
			write(ticks, schedule, zone, decade, end)
		}
	}
	refused, _ := os.Create("refused.tsv")
	for _, schedule := range odd {
		_, err := parser.Parse(schedule)
		fmt.Fprintf(refused, "%s\t%t\n", schedule, err != nil)
	}
}
