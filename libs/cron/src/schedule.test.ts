import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { readSchedule } from './schedule.ts'
import { timezoneProblem } from './timezone.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const EVERY = {
  ...{ seconds: [0], minutes: upTo(0, 59), hours: upTo(0, 23), daysOfMonth: upTo(1, 31), months: upTo(1, 12) },
  ...{ daysOfWeek: upTo(0, 6), days: 'both' },
}

describe('a schedule is read', () => {
  test.each([
    ['* * * * *', {}],
    ['  ? ?  ? ? ?', {}],
    ['*/20 * * * *', { minutes: [0, 20, 40] }],
    ['5/25 * * * *', { minutes: [5, 30, 55] }],
    ['10-20/5,1 * * * *', { minutes: [1, 10, 15, 20] }],
    ['10 0/1 * * * ?', { seconds: [10] }],
    ['0 9 * JAN,mar Mon-Fri', { minutes: [0], hours: [9], months: [1, 3], daysOfWeek: [1, 2, 3, 4, 5] }],
    ['0 0 1 * *', { minutes: [0], hours: [0], daysOfMonth: [1] }],
    ['@hourly', { minutes: [0] }],
    ['@weekly', { minutes: [0], hours: [0], daysOfWeek: [0] }],
    ['@yearly', { minutes: [0], hours: [0], daysOfMonth: [1], months: [1] }],
    ['CRON_TZ=Europe/Berlin * * * * *', { timezone: 'Europe/Berlin' }],
    ['TZ=UTC @daily', { timezone: 'UTC', minutes: [0], hours: [0] }],
  ])('%j', (text, changes) => {
    expect(readSchedule(text)).toEqual({ ...EVERY, ...changes })
  })

  test.each([
    ['both are limited', '0 0 13 * 5', 'either'],
    ['one says any day', '0 0 13 * ?', 'both'],
    ['one says any day among others', '0 0 *,13 * 5', 'both'],
    // a step takes the star its meaning, as robfig/cron v3 has it
    ['one has a step', '0 0 */2 * 5', 'either'],
  ])('where %s, a day has to be of both or of either', (_, text, days) => {
    expect(readSchedule(text)).toMatchObject({ days })
  })

  test.each([
    ['', 'must have 5 fields, or 6 with seconds first, found 0'],
    ['* * * *', 'must have 5 fields, or 6 with seconds first, found 4'],
    ['* * * * * * 2026', 'must have 5 fields, or 6 with seconds first, found 7'],
    ['60 * * * *', '"60" is not from 0 to 59 in the minute "60"'],
    ['* * 0 * *', '"0" is not from 1 to 31 in the day of month "0"'],
    ['* * * * 7', '"7" is not from 0 to 6 in the day of week "7"'],
    ['* * L * *', '"L" is not from 1 to 31 in the day of month "L"'],
    ['* * * * 5#3', '"5#3" is not from 0 to 6 in the day of week "5#3"'],
    ['20-10 * * * *', 'a range from 20 to 10 in the minute "20-10"'],
    ['1-2-3 * * * *', 'more than one "-" in the minute "1-2-3"'],
    ['*/1/2 * * * *', 'more than one "/" in the minute "*/1/2"'],
    ['*/0 * * * *', 'a step that is no number above 0 in the minute "*/0"'],
    ['-1 * * * *', '"" is not from 0 to 59 in the minute "-1"'],
    ['1,,2 * * * *', '"" is not from 0 to 59 in the minute "1,,2"'],
    ['@every 5m', '@every is not supported: say when in five fields, such as "*/5 * * * *"'],
    ['@reboot', '"@reboot" is not one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly'],
  ])('but not %j', (text, problem) => {
    expect(readSchedule(text)).toEqual({ problem })
  })
})

describe('beside robfig/cron v3', () => {
  const lines = readFileSync(new URL('../test/robfig/refused.tsv', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')

  test('the same is refused, and what it reads only by chance', () => {
    const differing = lines.flatMap((line) => {
      const [text = '', isRefused] = line.split('\t')
      return 'problem' in readSchedule(text) === (isRefused === 'true') ? [] : [text]
    })
    expect(lines.length).toBeGreaterThan(50)
    expect(differing).toEqual(['+1 * * * *', '@hourly ', '1,,2 * * * *', ', * * * *', '*-5 * * * *'])
  })
})

describe('a time zone', () => {
  test.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Etc/GMT+5'])('is %s', (name) => {
    expect(timezoneProblem(name)).toBeUndefined()
  })

  test.each(['Knative/Land', '', '+01:00', 'Europe/Berlin '])('is not %j', (name) => {
    expect(timezoneProblem(name)).toMatch(/^must be a time zone such as/)
  })
})
