import { modelPricing } from '@/lib/contract/model-pricing'
import { Routes } from '../routes'
import { createPriceVersion, previewPrices } from './commands'
import { getEffectivePrice, listCurrencyRates, listModelPrices, listPriceVersions } from './queries'
import { reprice } from './repricing/commands'
import { getRepricing, listRepricings } from './repricing/queries'

export const modelPricingRoutes = new Routes()
  .on(modelPricing.list, listModelPrices)
  .on(modelPricing.effective, getEffectivePrice)
  .on(modelPricing.listVersions, listPriceVersions)
  .on(modelPricing.listRates, listCurrencyRates)
  .on(modelPricing.createVersion, createPriceVersion)
  .on(modelPricing.preview, previewPrices)
  .on(modelPricing.reprice, reprice)
  .on(modelPricing.listRepricings, listRepricings)
  .on(modelPricing.getRepricing, getRepricing)
