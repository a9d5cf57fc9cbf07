import{b as a,c as b}from"./chunk-K62YSVRE.js";import"./chunk-QCB7GWBF.js";import"./chunk-TVVGKMBM.js";import"./chunk-PYMFR2A7.js";import"./chunk-PLFV7EAR.js";export{b as FeedSkeleton,a as default};
