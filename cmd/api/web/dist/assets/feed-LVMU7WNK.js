import{a,b}from"./chunk-P7VJOUYW.js";import"./chunk-REMTABDV.js";import"./chunk-MM3JA2UT.js";export{b as FeedSkeleton,a as default};
