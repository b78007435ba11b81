export { createChannels, DISPATCH_SUBSCRIPTION, FILTER_SUBSCRIPTION } from './channels.ts'
export type {
  Contract,
  ContractSource,
  DeliveryRow,
  DeliverySpec,
  Delta,
  FilterClause,
  FilterSpec,
  IngressRow,
  LogRow,
  RouteRow,
  Row,
  RowKind,
  Rows,
  Target,
} from './rows.ts'
