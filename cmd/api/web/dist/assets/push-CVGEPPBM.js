import{a,b,c,d,e,f}from"./chunk-J4JV2DDZ.js";import"./chunk-EC6T3MMU.js";import"./chunk-VUHR3FYG.js";export{b as PushRefused,a as canPush,e as forgetPush,f as keepPush,c as startPush,d as stopPush};
