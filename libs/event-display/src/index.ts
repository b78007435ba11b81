export { display } from './display.ts'
export { type EventDisplay, type EventDisplayOptions, startEventDisplay } from './start.ts'
